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
SELECT
  model_id,
  split,
  layer,
  task,
  other_task,
  sets.place,
  count_if(greatest(experts.place, experts.other_place) <= sets.place),
  count_if(greatest(experts.place, experts.other_place) <= sets.place) / sets.place
FROM expert_between_tasks sets
JOIN expert_between_tasks experts USING (model_id, split, layer, task, other_task)
GROUP BY model_id, split, layer, task, other_task, sets.place;
