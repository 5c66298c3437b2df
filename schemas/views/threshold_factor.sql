-- One pruning setting (all but K and seeds) on one model, task, recipe and metric of a sweep: the largest pruning factor E/K whose cost
-- is within the margin, as smallest_not_worse has it; 1 if none is. next_factor is the next one that was tried, and exceeded_there says
-- whether its interval shows that it costs more than the margin; if not, the examples leave it open.
CREATE OR REPLACE TEMPORARY VIEW threshold_factor AS
WITH tried AS (
  SELECT
    *,
    experts_before / experts AS tried_factor,
    CASE WHEN lower_is_better THEN low > margin ELSE high < -margin END AS exceeded,
    coalesce(max(CASE WHEN not_worse THEN experts_before / experts END) OVER (
      PARTITION BY sweep, as_of, model_id, task, split, recipe, metric, data, method, weights, budget, options, router
    ), 1) AS factor
  FROM cell_settings
  WHERE role = 'method' AND comparison_id IS NOT NULL
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
  method,
  weights,
  budget,
  options,
  router,
  factor,
  min(CASE WHEN tried_factor > factor THEN tried_factor END) AS next_factor,
  min_by(exceeded, CASE WHEN tried_factor > factor THEN tried_factor END) AS exceeded_there,
  max(tried_factor) AS largest_tried,
  max(margin) AS margin
FROM tried
GROUP BY sweep, as_of, model_id, experts_before, task, split, recipe, metric, data, method, weights, budget, options, router, factor;
