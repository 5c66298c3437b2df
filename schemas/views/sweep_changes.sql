-- One change of a setting since the date before in the same sweep: new on the frontier, off the frontier, worse or better. Worse and
-- better: the 95% intervals of both dates do not overlap; they are those of the difference from the unpruned model, for the unpruned
-- model those of its value. Settings of models with other names are not matched: for them all points of the frontier are new.
CREATE OR REPLACE TEMPORARY VIEW sweep_changes AS
WITH dates AS (
  SELECT sweep, as_of, lag(as_of) OVER (PARTITION BY sweep ORDER BY as_of) AS previous
  FROM (SELECT DISTINCT sweep, as_of FROM uncurl.sweep.cells)
),
intervals AS (
  SELECT
    *,
    CASE WHEN role = 'parent' THEN value_low ELSE low END AS from_low,
    CASE WHEN role = 'parent' THEN value_high ELSE high END AS to_high
  FROM cell_settings
),
pairs AS (
  SELECT
    now.*,
    dates.previous,
    before.value AS value_before,
    before.difference AS difference_before,
    before.from_low AS from_low_before,
    before.to_high AS to_high_before,
    NOT coalesce(before.dominated, true) AS was_on_frontier
  FROM intervals now
  JOIN dates ON dates.sweep = now.sweep AND dates.as_of = now.as_of AND dates.previous IS NOT NULL
  LEFT JOIN intervals before
    ON before.sweep = now.sweep AND before.as_of = dates.previous AND before.model_id = now.model_id
    AND before.task = now.task AND before.split = now.split AND before.recipe <=> now.recipe AND before.metric = now.metric
    AND before.role = now.role AND before.plan_task <=> now.plan_task AND before.method <=> now.method
    AND before.weights <=> now.weights AND before.budget <=> now.budget AND before.options <=> now.options
    AND before.experts <=> now.experts AND before.router <=> now.router
)
SELECT
  sweep,
  as_of,
  previous,
  change,
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
  value,
  value_before,
  difference,
  difference_before
FROM (
  SELECT
    *,
    explode(filter(array(
      CASE WHEN NOT dominated AND NOT was_on_frontier AND role <> 'parent' THEN 'new on the frontier' END,
      CASE WHEN dominated AND was_on_frontier THEN 'off the frontier' END,
      CASE WHEN CASE WHEN lower_is_better THEN from_low > to_high_before ELSE to_high < from_low_before END THEN 'worse' END,
      CASE WHEN CASE WHEN lower_is_better THEN to_high < from_low_before ELSE from_low > to_high_before END THEN 'better' END
    ), one -> one IS NOT NULL)) AS change
  FROM pairs
);
