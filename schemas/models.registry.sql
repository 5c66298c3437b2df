-- One finished model. The row is written after the folder is complete.
CREATE TABLE IF NOT EXISTS models.registry (
  model_id STRING NOT NULL COMMENT 'name of the model',
  parent_model_id STRING COMMENT 'model it was made from, none for pretraining',
  stage STRING NOT NULL COMMENT 'pretrain, prefinetune, finetune or prune',
  inputs MAP<STRING, STRING> NOT NULL COMMENT 'everything that determined the weights: settings, data, parent manifest, seed',
  config STRING NOT NULL COMMENT 'shape of the model as JSON; router-map of moe.by-layer: expert of each router row, -1: never chosen',
  path STRING NOT NULL COMMENT 'folder of the model',
  manifest_sha256 STRING NOT NULL COMMENT 'SHA-256 of manifest.json, which holds those of all files',
  parameters BIGINT NOT NULL COMMENT 'number of parameters',
  active_parameters BIGINT NOT NULL COMMENT 'parameters that one token uses',
  bytes BIGINT NOT NULL COMMENT 'size of the weights on disk',
  created_at TIMESTAMP NOT NULL COMMENT 'when the row was committed'
) USING iceberg
PARTITIONED BY (model_id)
COMMENT 'finished models'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
