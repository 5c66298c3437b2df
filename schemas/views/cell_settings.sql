-- One setting of a sweep of one date, by one metric: the cells that differ in their seeds alone, beside the unpruned model. The
-- size of a plan that was scored without making a model is computed from its layers; models that were made have their own. Times
-- are there if one run of evaluate --latency timed the model and the unpruned one at the same setting: the newest such run, of
-- its settings the largest batch, then the longest sequences. Intervals, letters and not_worse are those of the comparison that
-- report sweep stores in evaluation.comparisons; of several, the one with most of these settings counts, then the newest. A row
-- of it counts only while the results are still those that were compared. Models from scratch appear with each pruned model.
CREATE OR REPLACE TEMPORARY VIEW cell_settings (
  sweep COMMENT 'name of the sweep',
  as_of COMMENT 'its date',
  model_id COMMENT 'model that is pruned',
  experts_before COMMENT 'E, its experts per layer',
  task COMMENT 'task or corpus that was scored on',
  split COMMENT 'train or validation',
  recipe COMMENT 'finetuning recipe, none: not finetuned',
  metric COMMENT 'as in evaluation.results',
  role COMMENT 'method, or a control: parent, random, other-task, scratch',
  plan_task COMMENT 'task that the plans were made from',
  method COMMENT 'pruning method',
  weights COMMENT 'weights of merged experts',
  budget COMMENT 'uniform or adaptive',
  options COMMENT 'further settings of the plan',
  experts COMMENT 'K, experts per layer, as asked for; E of the parent and of models from scratch',
  router COMMENT 'rule for the router',
  seeds COMMENT 'cells of this setting that are done',
  n COMMENT 'examples or tokens behind a value',
  value COMMENT 'mean over the seeds',
  value_low COMMENT 'lower end of its 95% interval',
  value_high COMMENT 'upper end of it',
  parent_value COMMENT 'of the unpruned model, finetuned by the same recipe',
  difference COMMENT 'value minus parent_value',
  low COMMENT 'lower end of the 95% interval of the difference, paired by example',
  high COMMENT 'upper end of it',
  detectable COMMENT 'smallest difference that the examples could have shown, with power 0.8',
  margin COMMENT 'margin of not_worse',
  not_worse COMMENT 'whether the interval excludes that it is worse by more than the margin',
  letters COMMENT 'settings of the same model, task, recipe and metric that share a letter are not separated',
  flags COMMENT 'as in evaluation.comparisons',
  lower_is_better COMMENT 'true for losses',
  parameters COMMENT 'of the model, mean over the seeds',
  bytes COMMENT 'of its weights; of a plan without a model those of the parent less what the plan takes out',
  ms_per_batch COMMENT 'median time of a forward pass',
  latency_ratio COMMENT 'that time as a multiple of the time of the unpruned model',
  dominated COMMENT 'whether another setting is at least as good with at most as many bytes, and better in one of both',
  latency_dominated COMMENT 'the same with latency_ratio in place of bytes',
  models COMMENT 'model_id of the results of its cells, sorted',
  comparison_id COMMENT 'comparison that the interval is from',
  data COMMENT 'tokenise run and limit that fix the examples',
  position COMMENT 'place of its first cell in the sweep'
) COMMENT 'settings of sweeps beside the unpruned model' AS
WITH pruned AS (
  SELECT DISTINCT sweep, as_of, model_id, experts_before, task, split FROM uncurl.sweep.cells WHERE role <> 'scratch'
),
baselines AS (
  SELECT sweep, as_of, model_id, task, split, recipe, collect_set(results_id) AS ids
  FROM uncurl.sweep.cells
  WHERE role = 'parent'
  GROUP BY sweep, as_of, model_id, task, split, recipe
),
plan_sizes AS (
  SELECT
    plan.plan_id,
    base.parameters,
    base.bytes,
    CASE WHEN base.bytes < 3 * base.parameters THEN 2 ELSE 4 END AS bytes_each,
    aggregate(plan.layers, 0L, (less, layer) -> less + layer.experts - layer.clusters) AS experts_less,
    bigint(get_json_object(base.config, '$.width')) AS width,
    bigint(get_json_object(base.config, '$.feed-forward')) AS hidden
  FROM uncurl.pruning.plans plan
  JOIN uncurl.models.registry base ON base.model_id = plan.model_id AND base.manifest_sha256 = plan.manifest_sha256
),
timed AS (
  SELECT
    one.model_id,
    base.model_id AS against,
    one.p50_ms,
    one.p50_ms / base.p50_ms AS ratio,
    row_number() OVER (
      PARTITION BY one.model_id, base.model_id
      ORDER BY one.measured_at DESC, one.run_id, one.batch DESC, one.sequence_length DESC, one.executors DESC, one.threads DESC
    ) AS place
  FROM uncurl.evaluation.latency one
  JOIN uncurl.models.registry model ON model.model_id = one.model_id AND model.manifest_sha256 = one.manifest_sha256
  JOIN uncurl.evaluation.latency base
    ON base.run_id = one.run_id AND base.batch = one.batch AND base.sequence_length = one.sequence_length
    AND base.executors = one.executors AND base.threads <=> one.threads
),
members AS (
  SELECT
    pruned.*,
    cell.recipe,
    cell.role,
    cell.plan_task,
    cell.method,
    cell.weights,
    cell.budget,
    array_join(array_sort(transform(
      map_entries(map_filter(cell.parameters, (name, setting) -> name NOT IN ('weights', 'budget'))),
      entry -> concat(entry.key, '=', entry.value)
    )), ', ') AS options,
    CASE WHEN cell.role IN ('parent', 'scratch') THEN cell.experts_before ELSE cell.experts_after END AS experts,
    cell.router,
    cell.results_id,
    cell.data AS run,
    cell.position,
    CASE WHEN cell.results_id = cell.model_id THEN cell.model_sha256 END AS model_sha256,
    coalesce(own.parameters, made.parameters, size.parameters - size.experts_less
      * (2 * width * hidden + hidden + width + CASE WHEN cell.router IN ('collapse', 'slice') THEN width ELSE 0 END)
    ) AS parameters,
    coalesce(own.bytes, made.bytes, size.bytes - size.bytes_each * size.experts_less
      * (2 * width * hidden + hidden + width + CASE WHEN cell.router IN ('collapse', 'slice') THEN width ELSE 0 END)
    ) AS bytes,
    coalesce(own_time.p50_ms, made_time.p50_ms) AS ms_per_batch,
    coalesce(own_time.ratio, made_time.ratio) AS latency_ratio
  FROM pruned
  JOIN uncurl.sweep.cells cell
    ON cell.sweep = pruned.sweep AND cell.as_of = pruned.as_of AND cell.task = pruned.task AND cell.split = pruned.split
    AND (cell.role = 'scratch' OR cell.model_id = pruned.model_id)
  LEFT JOIN uncurl.models.registry own ON own.model_id = cell.results_id
  LEFT JOIN uncurl.models.registry made ON made.model_id = cell.pruned_model_id
  LEFT JOIN plan_sizes size ON size.plan_id = cell.plan_id
  LEFT JOIN timed own_time
    ON own_time.model_id = cell.results_id AND own_time.against = pruned.model_id AND own_time.place = 1
  LEFT JOIN timed made_time
    ON made_time.model_id = cell.pruned_model_id AND made_time.against = pruned.model_id AND made_time.place = 1
  WHERE cell.state = 'done'
),
settings AS (
  SELECT
    sweep, as_of, member.model_id, experts_before, member.task, member.split, recipe, role, plan_task, method, weights, budget,
    options, experts, member.router, result.metric, result.data, result.prompt_version,
    count(*) AS seeds,
    min(result.n) AS n,
    avg(result.value) AS value,
    array_sort(collect_list(results_id)) AS models,
    bigint(round(avg(parameters))) AS parameters,
    bigint(round(avg(bytes))) AS bytes,
    avg(ms_per_batch) AS ms_per_batch,
    avg(latency_ratio) AS latency_ratio,
    min(position) AS position
  FROM members member
  JOIN uncurl.evaluation.results result
    ON result.model_id = member.results_id AND result.task = member.task AND result.split = member.split
    AND startswith(result.data, member.run)
    AND (member.model_sha256 IS NULL OR result.manifest_sha256 = member.model_sha256)
  WHERE result.metric <> 'unigram_loss_per_token'
  GROUP BY sweep, as_of, member.model_id, experts_before, member.task, member.split, recipe, role, plan_task, method, weights,
    budget, options, experts, member.router, result.metric, result.data, result.prompt_version
),
compared AS (
  SELECT
    setting.*,
    comparison.comparison_id,
    comparison.created_at,
    comparison.value_low,
    comparison.value_high,
    comparison.against_value,
    comparison.low,
    comparison.high,
    comparison.detectable,
    comparison.margin,
    comparison.not_worse,
    comparison.letters,
    comparison.flags,
    count(comparison.comparison_id) OVER (
      PARTITION BY setting.sweep, setting.as_of, setting.model_id, setting.task, setting.split, setting.recipe, setting.data,
        comparison.comparison_id
    ) AS found
  FROM settings setting
  LEFT JOIN baselines baseline
    ON baseline.sweep = setting.sweep AND baseline.as_of = setting.as_of AND baseline.model_id = setting.model_id
    AND baseline.task = setting.task AND baseline.split = setting.split AND baseline.recipe <=> setting.recipe
  LEFT JOIN uncurl.evaluation.comparisons comparison
    ON comparison.task = setting.task AND comparison.split = setting.split AND comparison.data = setting.data
    AND comparison.prompt_version <=> setting.prompt_version AND comparison.metric = setting.metric
    AND array_contains(baseline.ids, comparison.against) AND array_sort(comparison.models) = setting.models
    AND abs(comparison.value - setting.value) <= 1e-9 * (1 + abs(setting.value))
),
best AS ( -- the comparison with most of the settings, for all of them
  SELECT
    *,
    first_value(comparison_id) OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, data
      ORDER BY found DESC, created_at DESC, comparison_id
    ) AS best_id
  FROM compared
),
one AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric, role, plan_task, method, weights, budget, options,
        experts, router
      ORDER BY comparison_id <=> best_id DESC, comparison_id
    ) AS place
  FROM best
),
scored AS (
  SELECT
    *,
    comparison_id <=> best_id AND comparison_id IS NOT NULL AS is_best,
    metric RLIKE 'loss|bits|perplexity' AS lower_is_better,
    CASE WHEN metric RLIKE 'loss|bits|perplexity' THEN -value ELSE value END AS score,
    bigint(round(latency_ratio * 1e6)) AS millionths,
    max(CASE WHEN role = 'parent' THEN value END) OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric
    ) AS value_now
  FROM one
  WHERE place = 1
),
ranked AS (
  SELECT
    *,
    max(score) OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric
      ORDER BY bytes NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS of_smaller,
    max(score) OVER (PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric, bytes) AS of_same_size,
    max(score) OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric
      ORDER BY millionths NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS of_faster,
    max(score) OVER (PARTITION BY sweep, as_of, model_id, task, split, recipe, data, metric, millionths) AS of_same_time
  FROM scored
)
SELECT
  sweep,
  as_of,
  model_id,
  experts_before,
  task,
  split,
  recipe,
  metric,
  role,
  plan_task,
  method,
  weights,
  budget,
  options,
  experts,
  router,
  seeds,
  n,
  value,
  CASE WHEN is_best THEN value_low END,
  CASE WHEN is_best THEN value_high END,
  CASE WHEN is_best THEN against_value ELSE value_now END,
  value - CASE WHEN is_best THEN against_value ELSE value_now END,
  CASE WHEN is_best THEN low END,
  CASE WHEN is_best THEN high END,
  CASE WHEN is_best THEN detectable END,
  CASE WHEN is_best THEN margin END,
  CASE WHEN is_best THEN not_worse END,
  CASE WHEN is_best THEN letters END,
  CASE WHEN is_best THEN flags END,
  lower_is_better,
  parameters,
  bytes,
  ms_per_batch,
  latency_ratio,
  CASE WHEN bytes IS NOT NULL THEN coalesce(of_smaller >= score, false) OR of_same_size > score END,
  CASE WHEN latency_ratio IS NOT NULL THEN coalesce(of_faster >= score, false) OR of_same_time > score END,
  models,
  CASE WHEN is_best THEN comparison_id END,
  data,
  position
FROM ranked;
