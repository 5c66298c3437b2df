-- One model, task, recipe and metric of a sweep: the smallest plan of a method that is not worse than the unpruned model by more than
-- the margin. By the paired test: the 95% interval of the difference excludes it. Each plan is tested by itself, at 2.5%; of many
-- plans some pass by chance. Of plans of the same size the better one is named. If none passes, method and all after it are null;
-- they are unknown while compared is false: report sweep makes the comparison.
CREATE OR REPLACE TEMPORARY VIEW smallest_not_worse AS
WITH judged AS (
  SELECT
    sweep, as_of, model_id, experts_before, task, split, recipe, metric, data,
    bool_or(comparison_id IS NOT NULL) AS compared,
    max(margin) AS margin,
    max(CASE WHEN role = 'parent' THEN bytes END) AS bytes_before,
    count_if(role = 'method') AS settings,
    min(struct(
      bytes,
      CASE WHEN lower_is_better THEN difference ELSE -difference END AS cost,
      position,
      method,
      weights,
      budget,
      options,
      experts,
      router,
      seeds,
      parameters,
      value,
      difference,
      low,
      high,
      models
    )) FILTER (WHERE role = 'method' AND not_worse) AS plan
  FROM cell_settings
  GROUP BY sweep, as_of, model_id, experts_before, task, split, recipe, metric, data
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
  compared,
  margin,
  settings,
  plan.method,
  plan.weights,
  plan.budget,
  plan.options,
  plan.experts,
  plan.router,
  plan.seeds,
  plan.difference,
  plan.low,
  plan.high,
  plan.parameters,
  plan.bytes,
  plan.bytes / bytes_before AS of_bytes_before,
  plan.models,
  data
FROM judged;
