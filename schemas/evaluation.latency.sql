-- Time of a forward pass of one batch in one thread.
CREATE TABLE IF NOT EXISTS evaluation.latency (
  model_id STRING NOT NULL COMMENT 'model',
  executors INT NOT NULL COMMENT 'processes that took part',
  batch INT NOT NULL COMMENT 'sequences in the batch',
  sequence_length INT NOT NULL COMMENT 'tokens of a sequence',
  experts INT NOT NULL COMMENT 'experts per MoE layer',
  p50_ms DOUBLE NOT NULL COMMENT 'median time of a batch, milliseconds',
  p95_ms DOUBLE NOT NULL COMMENT '95th percentile, milliseconds',
  tokens_per_second DOUBLE NOT NULL COMMENT 'at the median',
  parts MAP<STRING, DOUBLE> NOT NULL COMMENT 'share of the time by part of the model',
  manifest_sha256 STRING NOT NULL COMMENT 'of the model as it was timed'
) USING iceberg
PARTITIONED BY (model_id)
COMMENT 'forward latency'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false')
