-- The tables of README.md: jobs/submit sql --warehouse WAREHOUSE --file conf/experiment/results.sql, after report sweep.
-- Two settings of one model and task that share no letter are separated: the 95% interval of their paired difference excludes 0.

-- 1. Cost of each method: loss per token minus that of the unpruned model, mean over two models and their lowest and highest
SELECT task, experts_before AS E, experts AS K, coalesce(recipe, 'none') AS recipe,
  coalesce(method, role) AS method, role,
  format_string('%+.3f', avg(difference)) AS cost,
  format_string('%+.3f to %+.3f', min(low), max(high)) AS intervals
FROM cell_settings
WHERE sweep = 'experiment' AND metric = 'loss_per_token' AND role IN ('method', 'random')
GROUP BY task, experts_before, experts, recipe, method, role
ORDER BY recipe DESC, task, E, K DESC, avg(difference);

-- 2. uncurl against each other choice of experts for the same model, task and K
WITH settings AS (
  SELECT model_id, experts_before, task, coalesce(recipe, 'none') AS recipe, role,
    coalesce(method, role) AS method, experts, difference,
    regexp_extract_all(letters, '([a-z][0-9]*)', 1) AS letters
  FROM cell_settings WHERE sweep = 'experiment' AND metric = 'loss_per_token'
)
SELECT other.recipe, CASE WHEN other.role = 'random' THEN 'random' ELSE other.method END AS rival, count(*) AS compared,
  count_if(uncurl.difference < other.difference AND NOT arrays_overlap(uncurl.letters, other.letters)) AS uncurl_costs_less,
  count_if(arrays_overlap(uncurl.letters, other.letters)) AS not_separated,
  count_if(uncurl.difference > other.difference AND NOT arrays_overlap(uncurl.letters, other.letters)) AS uncurl_costs_more,
  format_string('%+.3f', avg(other.difference - uncurl.difference)) AS mean_gain
FROM settings AS uncurl JOIN settings AS other USING (model_id, task, recipe, experts)
WHERE uncurl.role = 'method' AND uncurl.method = 'uncurl'
  AND (other.role = 'random' OR (other.role = 'method' AND other.method <> 'uncurl'))
GROUP BY ALL ORDER BY other.recipe DESC, mean_gain DESC;

-- 3. The best pruned model with K experts against the model of the same seed that was trained with K (none: K = 1) from the start
WITH settings AS (
  SELECT regexp_extract(model_id, '-(s[0-9]+)-', 1) AS seed, experts_before, task, coalesce(recipe, 'none') AS recipe, role, experts,
    method, value, models
  FROM cell_settings WHERE sweep = 'experiment' AND metric = 'loss_per_token'
), best AS (
  SELECT seed, experts_before, task, recipe, experts, min(value) AS value FROM settings WHERE role = 'method' GROUP BY ALL
), scratch AS (
  SELECT seed, task, recipe, experts_before AS experts, value FROM settings WHERE role = 'parent'
  UNION
  SELECT explode(transform(models, model -> regexp_extract(model, '-(s[0-9]+)-', 1))), task, recipe, 1, value FROM settings
  WHERE role = 'scratch'
)
SELECT recipe, task, best.experts_before AS E, experts AS K, count(*) AS compared, count_if(best.value < scratch.value) AS pruned_better,
  format_string('%.3f', avg(best.value)) AS pruned, format_string('%.3f', avg(scratch.value)) AS from_scratch,
  format_string('%+.3f', avg(best.value - scratch.value)) AS difference
FROM best JOIN scratch USING (seed, task, recipe, experts)
GROUP BY ALL ORDER BY recipe DESC, task, E, K DESC;

-- 4. The largest factor E/K for which the cost's 95% interval excludes a margin, in each of the two models
WITH margins AS (SELECT explode(array(0.01, 0.03, 0.1)) AS allowed),
tried AS (
  SELECT allowed, model_id, experts_before, task, method, max(CASE WHEN high < allowed THEN experts_before / experts ELSE 1 END) AS factor
  FROM cell_settings CROSS JOIN margins
  WHERE sweep = 'experiment' AND metric = 'loss_per_token' AND role = 'method' AND recipe IS NULL
  GROUP BY allowed, model_id, experts_before, task, method
)
SELECT allowed AS margin, method, experts_before AS E, concat_ws(' and ', collect_list(CASE WHEN task = 'gsm8k' THEN CAST(factor AS INT) END)) AS gsm8k,
  concat_ws(' and ', collect_list(CASE WHEN task = 'agnews' THEN CAST(factor AS INT) END)) AS agnews
FROM (SELECT * FROM tried ORDER BY model_id)
GROUP BY allowed, method, experts_before ORDER BY margin, method, E;

-- 5. Plans that were made on the other task against those of the task itself
WITH settings AS (
  SELECT model_id, experts_before, task, coalesce(recipe, 'none') AS recipe, role, method,
    CASE WHEN role = 'scratch' THEN greatest(coalesce(experts, 0), 1) ELSE experts END AS experts, difference,
    regexp_extract_all(letters, '([a-z][0-9]*)', 1) AS letters
  FROM cell_settings WHERE sweep = 'experiment' AND metric = 'loss_per_token' AND recipe IS NULL
)
SELECT task, method, count(*) AS compared,
  count_if(other.difference > own.difference AND NOT arrays_overlap(own.letters, other.letters)) AS other_costs_more,
  count_if(arrays_overlap(own.letters, other.letters)) AS not_separated,
  count_if(other.difference < own.difference AND NOT arrays_overlap(own.letters, other.letters)) AS other_costs_less,
  format_string('%+.3f', avg(other.difference - own.difference)) AS mean_gain
FROM settings AS own JOIN settings AS other USING (model_id, task, method, experts)
WHERE own.role = 'method' AND other.role = 'other-task'
GROUP BY ALL ORDER BY task, mean_gain DESC;

-- 6. The best pruned model with K experts, finetuned, against the model of the same seed that was trained with K and finetuned
WITH scored AS (
  SELECT regexp_extract(cell.model_id, '-(s[0-9]+)-', 1) AS seed, cell.task, cell.role, cell.experts_before, cell.experts_after, result.value
  FROM sweep.cells AS cell JOIN evaluation.results AS result
    ON result.model_id = cell.results_id AND result.task = cell.task AND result.split = cell.split AND startswith(result.data, cell.data)
  WHERE cell.sweep = 'finetuned' AND cell.state = 'done' AND cell.recipe IS NOT NULL AND result.metric = 'loss_per_token'
), best AS (
  SELECT seed, task, experts_before, experts_after AS experts, min(value) AS value FROM scored WHERE role = 'method' GROUP BY ALL
), scratch AS (
  SELECT DISTINCT seed, task, experts_before AS experts, value FROM scored WHERE role IN ('parent', 'scratch')
)
SELECT task, best.experts_before AS E, experts AS K, format_string('%.3f', avg(best.value)) AS pruned,
  format_string('%.3f', avg(scratch.value)) AS from_scratch, format_string('%+.3f', avg(best.value - scratch.value)) AS difference,
  concat(count_if(best.value < scratch.value), ' of ', count(*)) AS pruned_better
FROM best JOIN scratch USING (seed, task, experts)
GROUP BY ALL ORDER BY task DESC, E, K DESC
