-- Two tasks at one layer of one model: the similarity of their use of the experts. Each pair of tasks appears in both orders.
CREATE OR REPLACE TEMPORARY VIEW task_overlap (
  model_id COMMENT 'model that routed both',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  task COMMENT 'one task or corpus',
  other_task COMMENT 'another',
  jensen_shannon_distance COMMENT 'between the shares of the experts: 0 is the same, 1 is no expert in common (logarithm to base 2, square root taken)',
  rank_correlation COMMENT 'Spearman correlation of the shares, equal shares at their mean rank; none if all are equal'
) COMMENT 'overlap of expert usage between tasks' AS
SELECT
  model_id,
  split,
  layer,
  task,
  other_task,
  sqrt(greatest(0, sum(
    CASE WHEN fraction > 0 THEN fraction * log2(2 * fraction / (fraction + other_fraction)) ELSE 0 END
    + CASE WHEN other_fraction > 0 THEN other_fraction * log2(2 * other_fraction / (fraction + other_fraction)) ELSE 0 END
  ) / 2)),
  CASE WHEN stddev_pop(mean_rank) > 0 AND stddev_pop(other_mean_rank) > 0 THEN corr(mean_rank, other_mean_rank) END
FROM expert_between_tasks
GROUP BY model_id, split, layer, task, other_task;
