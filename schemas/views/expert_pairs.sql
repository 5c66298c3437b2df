-- Two experts that the same tokens chose, for top-k routing with k > 1. Each pair appears once.
CREATE OR REPLACE TEMPORARY VIEW expert_pairs (
  model_id COMMENT 'model that routed',
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  expert COMMENT 'the expert with the lower id',
  other COMMENT 'the expert with the higher id',
  tokens COMMENT 'tokens that chose both',
  lift COMMENT 'their number over that of two experts chosen independently; above 1 they attract each other'
) COMMENT 'co-activation of experts' AS
WITH together AS (
  SELECT model_id, task, split, layer, expert, other, count(*) AS tokens
  FROM uncurl.routing.logits
  LATERAL VIEW explode(experts) AS expert
  LATERAL VIEW explode(experts) AS other
  WHERE expert < other
  GROUP BY model_id, task, split, layer, expert, other
)
SELECT
  together.model_id,
  together.task,
  together.split,
  together.layer,
  together.expert,
  together.other,
  together.tokens,
  together.tokens * gram.tokens / (one.tokens * two.tokens)
FROM together
JOIN uncurl.routing.gram gram
  ON gram.model_id = together.model_id AND gram.task = together.task AND gram.split = together.split
  AND gram.layer = together.layer
JOIN uncurl.routing.expert_statistics one
  ON one.model_id = together.model_id AND one.task = together.task AND one.split = together.split
  AND one.layer = together.layer AND one.expert = together.expert
JOIN uncurl.routing.expert_statistics two
  ON two.model_id = together.model_id AND two.task = together.task AND two.split = together.split
  AND two.layer = together.layer AND two.expert = together.other;
