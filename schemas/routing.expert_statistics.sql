-- One expert on one task, summed over the rows of routing.logits.
CREATE TABLE IF NOT EXISTS routing.expert_statistics (
  model_id STRING NOT NULL COMMENT 'model that routed',
  task STRING NOT NULL COMMENT 'task or corpus',
  split STRING NOT NULL COMMENT 'train or validation',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  expert INT NOT NULL COMMENT 'expert, from 0; in a mapped, masked or zeroed router a row of it',
  tokens BIGINT NOT NULL COMMENT 'tokens that were sent to it; 0 in a masked row, in a zeroed row those that chose it',
  fraction DOUBLE NOT NULL COMMENT 'its share of all choices of the layer',
  gate_mass DOUBLE NOT NULL COMMENT 'sum of its gates over those tokens',
  mean_probability DOUBLE NOT NULL COMMENT 'mean softmax probability over all tokens of the layer',
  mean_logit DOUBLE NOT NULL COMMENT 'mean router logit over all tokens of the layer',
  output_norm DOUBLE NOT NULL COMMENT 'mean L2 norm of its output over the tokens sent to it; 0 without any',
  contribution DOUBLE NOT NULL COMMENT 'mean over the tokens sent to it of gate times L2 norm of its output: what it adds to the residual stream; 0 without any',
  probability_deviation DOUBLE NOT NULL COMMENT 'standard deviation of its softmax probability over all tokens of the layer',
  frequent_tokens BIGINT NOT NULL COMMENT 'of its tokens, those with an id below 512: bytes and the first 256 merges, the most frequent pieces of GPT-2',
  first_third_tokens BIGINT NOT NULL COMMENT 'of its tokens, those in the first third of their sequence',
  middle_third_tokens BIGINT NOT NULL COMMENT 'of its tokens, those in the middle third',
  last_third_tokens BIGINT NOT NULL COMMENT 'of its tokens, those in the last third',
  repeated_tokens BIGINT NOT NULL COMMENT 'tokens of which it is the best expert, as it was of the token before'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'routing statistics per expert'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
