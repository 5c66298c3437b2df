-- Time of a forward pass of one batch, every position predicted. Models of one run were timed in turn, one pass of each;
-- compare times only within a run.
CREATE TABLE IF NOT EXISTS evaluation.latency (
  model_id STRING NOT NULL COMMENT 'model',
  executors INT NOT NULL COMMENT 'processes that took part, one after another',
  batch INT NOT NULL COMMENT 'sequences in the batch',
  sequence_length INT NOT NULL COMMENT 'tokens of a sequence',
  experts INT NOT NULL COMMENT 'experts per MoE layer',
  p50_ms DOUBLE NOT NULL COMMENT 'median time of a batch, milliseconds',
  p95_ms DOUBLE NOT NULL COMMENT '95th percentile, milliseconds',
  tokens_per_second DOUBLE NOT NULL COMMENT 'at the median',
  parts MAP<STRING, DOUBLE> NOT NULL COMMENT 'share of the time by part of the model, of medians: embedding, norm, attention, feed-forward (of dense blocks), router, dispatch (sorting tokens by expert, gathering and adding up), experts, exchange (between processes, where experts are sharded), head, other',
  manifest_sha256 STRING NOT NULL COMMENT 'of the model as it was timed',
  run_id STRING COMMENT 'the run in which models were timed in turn; none in rows of release 0.1.0',
  measured_at TIMESTAMP COMMENT 'end of the run',
  warmup INT COMMENT 'passes of each model and process before the timed ones',
  repeats INT COMMENT 'timed passes of each model and process',
  threads INT COMMENT 'threads that compute a pass',
  expert_parallel INT COMMENT 'processes that share the experts of a model; 1: each has all',
  host STRING COMMENT 'hosts of the processes',
  cpu STRING COMMENT 'their processors'
) USING iceberg
PARTITIONED BY (model_id)
COMMENT 'forward latency'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
