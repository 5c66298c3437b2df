-- One layer on one task: how unevenly its router spreads the tokens, and how often successive tokens have the same best
-- expert. Dropped experts are not counted.
CREATE OR REPLACE TEMPORARY VIEW load_imbalance (
  model_id COMMENT 'model that routed',
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  experts COMMENT 'E',
  max_over_mean COMMENT 'tokens of the busiest expert over the mean of all; 1 is balance, E is one expert for all',
  dead_experts COMMENT 'experts without a token',
  relative_entropy COMMENT 'entropy of the shares over ln E; 1 is balance, 0 is one expert for all',
  top_tenth_gate_mass COMMENT 'share of the gate mass that the tenth of the experts with the most of it has, rounded up',
  same_as_previous COMMENT 'share of the tokens with a predecessor whose best expert is that of the token before'
) COMMENT 'load balance of each layer' AS
WITH ranked AS (
  SELECT
    *,
    tokens / nullif(sum(tokens) OVER (PARTITION BY model_id, task, split, layer), 0) AS share,
    row_number() OVER (PARTITION BY model_id, task, split, layer ORDER BY gate_mass DESC, expert) AS place,
    count(*) OVER (PARTITION BY model_id, task, split, layer) AS layer_experts
  FROM uncurl.routing.expert_statistics
  LEFT ANTI JOIN dropped_experts USING (model_id, layer, expert)
),
layers AS (
  SELECT
    model_id,
    task,
    split,
    layer,
    count(*) AS experts,
    max(share) * count(*) AS max_over_mean,
    count_if(tokens = 0) AS dead_experts,
    -sum(CASE WHEN share > 0 THEN share * ln(share) ELSE 0 END) / ln(count(*)) AS relative_entropy,
    sum(CASE WHEN place <= ceil(layer_experts / 10) THEN gate_mass END) / sum(gate_mass) AS top_tenth_gate_mass,
    sum(repeated_tokens) AS repeated_tokens
  FROM ranked
  GROUP BY model_id, task, split, layer
)
SELECT
  layers.model_id,
  layers.task,
  layers.split,
  layers.layer,
  layers.experts,
  layers.max_over_mean,
  layers.dead_experts,
  layers.relative_entropy,
  layers.top_tenth_gate_mass,
  layers.repeated_tokens / nullif(gram.tokens - gram.sequences, 0) AS same_as_previous
FROM layers
JOIN uncurl.routing.gram gram
  ON gram.model_id = layers.model_id AND gram.task = layers.task AND gram.split = layers.split AND gram.layer = layers.layer;
