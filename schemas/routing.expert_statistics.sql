-- One expert on one task, summed over the rows of routing.logits.
CREATE TABLE IF NOT EXISTS routing.expert_statistics (
  model_id STRING NOT NULL COMMENT 'model that routed',
  task STRING NOT NULL COMMENT 'task or corpus',
  split STRING NOT NULL COMMENT 'train or validation',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  expert INT NOT NULL COMMENT 'expert, from 0',
  tokens BIGINT NOT NULL COMMENT 'tokens that were sent to it',
  fraction DOUBLE NOT NULL COMMENT 'its share of all choices of the layer',
  gate_mass DOUBLE NOT NULL COMMENT 'sum of its gates over those tokens',
  mean_probability DOUBLE NOT NULL COMMENT 'mean softmax probability over all tokens of the layer',
  mean_logit DOUBLE NOT NULL COMMENT 'mean router logit over all tokens of the layer',
  output_norm DOUBLE NOT NULL COMMENT 'mean L2 norm of its output over the tokens sent to it; 0 without any'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'routing statistics per expert'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2')
