-- Two tasks at one layer of one model: how alike they use the experts. Each pair of tasks stands in both orders.
CREATE OR REPLACE TEMPORARY VIEW task_overlap (
  model_id COMMENT 'model that routed both',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  task COMMENT 'one task or corpus',
  other_task COMMENT 'another',
  jensen_shannon_distance COMMENT 'between the shares of the experts: 0 is the same, 1 is no expert in common (logarithm to base 2, square root taken)',
  rank_correlation COMMENT 'Spearman correlation of the shares, equal shares at their mean rank; none if all are equal'
) COMMENT 'overlap of expert usage between tasks' AS
WITH ranked AS (
  SELECT
    model_id,
    task,
    split,
    layer,
    expert,
    fraction,
    rank() OVER (PARTITION BY model_id, task, split, layer ORDER BY tokens)
      + (count(*) OVER (PARTITION BY model_id, task, split, layer, tokens) - 1) / 2 AS place
  FROM uncurl.routing.expert_statistics
),
pairs AS (
  SELECT
    one.model_id,
    one.split,
    one.layer,
    one.task,
    two.task AS other_task,
    one.fraction AS p,
    two.fraction AS q,
    (one.fraction + two.fraction) / 2 AS middle,
    one.place AS place,
    two.place AS other_place
  FROM ranked one
  JOIN ranked two
    ON two.model_id = one.model_id AND two.split = one.split AND two.layer = one.layer AND two.expert = one.expert
    AND two.task <> one.task
)
SELECT
  model_id,
  split,
  layer,
  task,
  other_task,
  sqrt(greatest(0, sum(
    CASE WHEN p > 0 THEN p * log2(p / middle) ELSE 0 END + CASE WHEN q > 0 THEN q * log2(q / middle) ELSE 0 END
  ) / 2)),
  CASE WHEN stddev_pop(place) > 0 AND stddev_pop(other_place) > 0 THEN corr(place, other_place) END
FROM pairs
GROUP BY model_id, split, layer, task, other_task;
