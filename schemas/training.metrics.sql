-- One round of training: the steps of all ranks between two averages.
CREATE TABLE IF NOT EXISTS training.metrics (
  run_id STRING NOT NULL COMMENT 'the model that the run made',
  step INT NOT NULL COMMENT 'optimiser steps of each rank so far',
  tokens BIGINT NOT NULL COMMENT 'predicted tokens of all ranks so far',
  loss DOUBLE NOT NULL COMMENT 'mean cross-entropy per predicted token in this round, nats',
  validation_loss DOUBLE COMMENT 'mean cross-entropy per predicted token on a fixed part of the validation split after this round, nats; null where it was not measured',
  balance_loss DOUBLE NOT NULL COMMENT 'mean of the balance loss over the steps, before its weight; 1 per MoE layer is perfect balance',
  grad_norm DOUBLE NOT NULL COMMENT 'mean global norm of the gradient before clipping',
  lr DOUBLE NOT NULL COMMENT 'learning rate of the last step',
  tokens_per_second DOUBLE NOT NULL COMMENT 'predicted tokens per second of wall time in this round, averaging included',
  layers ARRAY<STRUCT<layer: INT, load_imbalance: DOUBLE, dead_experts: INT, dropped_share: DOUBLE>> NOT NULL COMMENT 'per MoE layer: most loaded expert over the mean, experts without a token (of router rows, without masked and zeroed ones), and the share of choices lost to the capacity'
) USING iceberg
PARTITIONED BY (run_id)
COMMENT 'training rounds'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false')
