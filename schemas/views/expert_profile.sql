-- One expert on one task: which tokens it gets, compared with its layer.
CREATE OR REPLACE TEMPORARY VIEW expert_profile (
  model_id COMMENT 'model that routed',
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  expert COMMENT 'expert, from 0',
  tokens COMMENT 'tokens that were sent to it',
  share COMMENT 'its share of all choices of the layer',
  mean_gate COMMENT 'mean of its gates over those tokens; none without any',
  mean_probability COMMENT 'mean softmax probability over all tokens of the layer',
  probability_deviation COMMENT 'standard deviation of that probability',
  output_norm COMMENT 'mean L2 norm of its output; 0 without tokens',
  contribution COMMENT 'mean of gate times that norm over its tokens, by which REAP keeps experts; 0 without tokens',
  frequent_share COMMENT 'share of its tokens with an id below 512, the most frequent pieces of GPT-2',
  frequent_lift COMMENT 'that share over the same of all choices of the layer; 1 is no preference',
  first_third COMMENT 'share of its tokens from the first third of their sequence',
  middle_third COMMENT 'from the middle third',
  last_third COMMENT 'from the last third',
  first_third_lift COMMENT 'first_third over the same of all choices of the layer; 1 is no preference'
) COMMENT 'what each expert is for' AS
SELECT
  model_id,
  task,
  split,
  layer,
  expert,
  tokens,
  fraction,
  gate_mass / nullif(tokens, 0),
  mean_probability,
  probability_deviation,
  output_norm,
  contribution,
  frequent_tokens / nullif(tokens, 0),
  frequent_tokens / nullif(tokens, 0)
    / nullif(sum(frequent_tokens) OVER whole_layer / nullif(sum(tokens) OVER whole_layer, 0), 0),
  first_third_tokens / nullif(tokens, 0),
  middle_third_tokens / nullif(tokens, 0),
  last_third_tokens / nullif(tokens, 0),
  first_third_tokens / nullif(tokens, 0)
    / nullif(sum(first_third_tokens) OVER whole_layer / nullif(sum(tokens) OVER whole_layer, 0), 0)
FROM uncurl.routing.expert_statistics
WINDOW whole_layer AS (PARTITION BY model_id, task, split, layer);
