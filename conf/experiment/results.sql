-- The table of README.md: on each task the newest comparison with the unpruned model, by loss per token.
WITH newest AS (
  SELECT task, max_by(comparison_id, created_at) AS comparison_id
  FROM evaluation.comparisons WHERE against = 'flan' GROUP BY task
)
SELECT regexp_extract(task, '([^/]+)$', 1) AS task, experts AS K, coalesce(method, 'unpruned') AS method, router,
  format_string('%.3f', value) AS loss,
  format_string('%+.3f', difference) AS cost,
  format_string('%+.3f to %+.3f', low, high) AS interval,
  letters
FROM evaluation.comparisons JOIN newest USING (task, comparison_id)
WHERE metric = 'loss_per_token'
ORDER BY task, K DESC NULLS FIRST, difference
