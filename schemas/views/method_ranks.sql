-- One setting of a sweep among those with the same model, task, recipe, metric and K, by its place: 1 is the best. Settings that share
-- a letter are not separated by these examples and seeds: their order says nothing. Controls are ranked with the methods.
CREATE OR REPLACE TEMPORARY VIEW method_ranks AS
SELECT
  sweep,
  as_of,
  model_id,
  task,
  split,
  recipe,
  metric,
  experts,
  rank() OVER (
    PARTITION BY sweep, as_of, model_id, task, split, recipe, metric, data, experts
    ORDER BY CASE WHEN lower_is_better THEN value ELSE -value END
  ) AS place,
  role,
  method,
  weights,
  budget,
  options,
  plan_task,
  router,
  seeds,
  value,
  difference,
  low,
  high,
  letters
FROM cell_settings
WHERE role <> 'parent';
