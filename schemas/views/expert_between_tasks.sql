-- One expert of one model on two tasks: how much each task uses it. Each pair of tasks appears in both orders. Dumps of
-- different models that had the same name are not paired. Dropped experts are not listed.
CREATE OR REPLACE TEMPORARY VIEW expert_between_tasks (
  model_id COMMENT 'model that routed both',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  task COMMENT 'one task or corpus',
  other_task COMMENT 'another',
  expert COMMENT 'expert, from 0',
  fraction COMMENT 'its share of the choices of the layer on the one task',
  other_fraction COMMENT 'on the other',
  place COMMENT 'its place among the experts of the layer on the one task, 1 for the most used; of equally used ones the lower id comes first',
  other_place COMMENT 'on the other',
  mean_rank COMMENT 'its rank on the one task, 1 for the least used; equally used ones have the mean of their ranks',
  other_mean_rank COMMENT 'on the other'
) COMMENT 'use of an expert by two tasks' AS
WITH ranked AS (
  SELECT
    model_id,
    task,
    split,
    layer,
    expert,
    manifest_sha256,
    fraction,
    row_number() OVER (PARTITION BY model_id, task, split, layer ORDER BY tokens DESC, expert) AS place,
    rank() OVER (PARTITION BY model_id, task, split, layer ORDER BY tokens)
      + (count(*) OVER (PARTITION BY model_id, task, split, layer, tokens) - 1) / 2 AS mean_rank
  FROM uncurl.routing.expert_statistics
  LEFT ANTI JOIN dropped_experts USING (model_id, layer, expert)
  JOIN (SELECT model_id, task, split, layer, manifest_sha256 FROM uncurl.routing.gram)
    USING (model_id, task, split, layer)
)
SELECT
  model_id,
  split,
  layer,
  one.task,
  two.task,
  expert,
  one.fraction,
  two.fraction,
  one.place,
  two.place,
  one.mean_rank,
  two.mean_rank
FROM ranked one
JOIN ranked two USING (model_id, split, layer, expert, manifest_sha256)
WHERE one.task <> two.task;
