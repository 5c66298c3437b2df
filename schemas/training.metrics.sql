-- Some successive steps of training (train.metrics-every), over all ranks.
CREATE TABLE IF NOT EXISTS training.metrics (
  run_id STRING NOT NULL COMMENT 'the model that the run made',
  step INT NOT NULL COMMENT 'optimiser steps so far',
  tokens BIGINT NOT NULL COMMENT 'predicted tokens of all ranks so far',
  loss DOUBLE NOT NULL COMMENT 'mean cross-entropy per predicted token in these steps, nats',
  validation_loss DOUBLE COMMENT 'mean cross-entropy per predicted token on a fixed part of the validation split after these steps, nats; null where it was not measured',
  balance_loss DOUBLE NOT NULL COMMENT 'mean of the balance loss over the steps, before its weight; 1 per MoE layer is perfect balance',
  grad_norm DOUBLE NOT NULL COMMENT 'mean global norm of the gradient before clipping',
  lr DOUBLE NOT NULL COMMENT 'learning rate of the last step',
  tokens_per_second DOUBLE NOT NULL COMMENT 'predicted tokens per second of wall time in these steps',
  layers ARRAY<STRUCT<layer: INT, load_imbalance: DOUBLE, dead_experts: INT, dropped_share: DOUBLE>> NOT NULL COMMENT 'per MoE layer: most loaded expert over the mean, experts without a token (of router rows, without masked and zeroed ones), and the share of choices lost to the capacity',
  sequences_hash BIGINT COMMENT 'of the positions and ids of all sequences of these steps: the same for any number of ranks; null in rows of earlier releases',
  compute_seconds_mean DOUBLE COMMENT 'seconds of forward and backward passes and updates in these steps, mean over the ranks',
  compute_seconds_max DOUBLE COMMENT 'the same, of the slowest rank of each step',
  wait_seconds_mean DOUBLE COMMENT 'seconds of waiting for ranks that came later to an exchange, mean over the ranks; null in rows of earlier releases',
  wait_seconds_max DOUBLE COMMENT 'the same, of the rank with most in each step',
  exchange_seconds_mean DOUBLE COMMENT 'seconds of exchanges with other ranks, without waiting (in rows without wait_seconds_mean: waiting included) and without what is exchanged while a rank computes, mean over the ranks',
  exchange_seconds_max DOUBLE COMMENT 'the same, of the rank with most in each step',
  data_seconds_mean DOUBLE COMMENT 'seconds of reading sequences, mean over the ranks',
  data_seconds_max DOUBLE COMMENT 'the same, of the rank with most in each step',
  sent_bytes_mean DOUBLE COMMENT 'bytes of values that a rank sent to others in these steps, mean over the ranks; null in rows of earlier releases'
) USING iceberg
PARTITIONED BY (run_id)
COMMENT 'steps of training'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
