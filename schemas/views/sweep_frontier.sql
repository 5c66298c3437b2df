-- One setting of a sweep as a point of its frontier: a metric against parameters, bytes and latency. Dominated ones are marked, not
-- left out; on_frontier is true of the others. Controls are among the points: where a control is on the frontier, pruning by that
-- method was not worth it. See cell_settings.
CREATE OR REPLACE TEMPORARY VIEW sweep_frontier AS
SELECT
  sweep,
  as_of,
  model_id,
  task,
  split,
  recipe,
  metric,
  role,
  method,
  weights,
  budget,
  options,
  plan_task,
  experts,
  router,
  seeds,
  parameters,
  bytes,
  latency_ratio,
  value,
  difference,
  low,
  high,
  NOT dominated AS on_frontier,
  NOT latency_dominated AS on_latency_frontier
FROM cell_settings;
