-- Loss per token of each pruned model minus that of the unpruned one, before and after the same finetuning, on the same
-- examples; the interval is 1.96 standard errors of the paired difference (a ratio of sums, linearised). Rows of several
-- seeds are their mean, and the interval that of the mean over seeds on these examples.
WITH scored AS (
  SELECT regexp_extract(task, '([^/]+)$', 1) AS task,
    coalesce(nullif(regexp_extract(model_id, '^[a-z]+-(.+?)(-[0-9])?-[0-9]+(-finetuned)?$', 1), ''), 'unpruned') AS method,
    cast(nullif(regexp_extract(model_id, '-([0-9]+)(-finetuned)?$', 1), '') AS int) AS experts,
    model_id LIKE '%-finetuned' OR model_id LIKE 'flan-%' AS finetuned,
    example_id, text_loss, text_tokens
  FROM evaluation.examples
  WHERE task LIKE 'superglue/%' AND (model_id LIKE 'flan%' OR model_id LIKE 'boolq-%' OR model_id LIKE 'rte-%')
), by_example AS (
  SELECT task, method, experts, finetuned, example_id, avg(text_loss) AS loss, first(text_tokens) AS tokens
  FROM scored GROUP BY task, method, experts, finetuned, example_id
), differences AS (
  SELECT pruned.*, pruned.loss - whole.loss AS difference
  FROM by_example pruned JOIN by_example whole
    ON whole.method = 'unpruned' AND whole.task = pruned.task AND whole.finetuned = pruned.finetuned
      AND whole.example_id = pruned.example_id
), means AS (
  SELECT task, method, experts, finetuned, sum(loss) / sum(tokens) AS loss,
    sum(difference) / sum(tokens) AS difference, sum(tokens) AS tokens, count(*) AS n
  FROM differences GROUP BY task, method, experts, finetuned
), intervals AS (
  SELECT m.task, m.method, m.experts, m.finetuned, first(m.loss) AS loss, first(m.difference) AS difference,
    1.96 * sqrt(sum(pow(d.difference - m.difference * d.tokens, 2)) * first(m.n) / (first(m.n) - 1)) / first(m.tokens)
      AS half
  FROM means m JOIN differences d
    ON d.task = m.task AND d.method = m.method AND d.experts <=> m.experts AND d.finetuned = m.finetuned
  GROUP BY m.task, m.method, m.experts, m.finetuned
)
SELECT task, experts, method,
  round(max(loss) FILTER (WHERE NOT finetuned), 3) AS loss,
  format_string('%+.3f ± %.3f', max(difference) FILTER (WHERE NOT finetuned), max(half) FILTER (WHERE NOT finetuned)) AS cost,
  round(max(loss) FILTER (WHERE finetuned), 3) AS loss_finetuned,
  format_string('%+.3f ± %.3f', max(difference) FILTER (WHERE finetuned), max(half) FILTER (WHERE finetuned))
    AS cost_finetuned
FROM intervals GROUP BY task, experts, method
ORDER BY task, experts DESC NULLS FIRST, max(difference) FILTER (WHERE NOT finetuned)
