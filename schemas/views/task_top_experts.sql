-- Two tasks at one layer of one model: how many of their K most used experts are the same, for every K.
CREATE OR REPLACE TEMPORARY VIEW task_top_experts (
  model_id COMMENT 'model that routed both',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  task COMMENT 'one task or corpus',
  other_task COMMENT 'another',
  k COMMENT 'how many of the most used experts of each, 1 to E; of equally used ones the lower id comes first',
  common COMMENT 'how many are in both sets',
  overlap COMMENT 'common over k; two random sets have k / E on average'
) COMMENT 'overlap of the K most used experts between tasks' AS
WITH ranked AS (
  SELECT
    model_id,
    task,
    split,
    layer,
    expert,
    row_number() OVER (PARTITION BY model_id, task, split, layer ORDER BY tokens DESC, expert) AS place
  FROM uncurl.routing.expert_statistics
),
entered AS (
  SELECT
    one.model_id,
    one.split,
    one.layer,
    one.task,
    two.task AS other_task,
    one.place AS k,
    greatest(one.place, two.place) AS common_from
  FROM ranked one
  JOIN ranked two
    ON two.model_id = one.model_id AND two.split = one.split AND two.layer = one.layer AND two.expert = one.expert
    AND two.task <> one.task
)
SELECT
  sets.model_id,
  sets.split,
  sets.layer,
  sets.task,
  sets.other_task,
  sets.k,
  count_if(experts.common_from <= sets.k),
  count_if(experts.common_from <= sets.k) / sets.k
FROM entered sets
JOIN entered experts
  ON experts.model_id = sets.model_id AND experts.split = sets.split AND experts.layer = sets.layer
  AND experts.task = sets.task AND experts.other_task = sets.other_task
GROUP BY sets.model_id, sets.split, sets.layer, sets.task, sets.other_task, sets.k;
