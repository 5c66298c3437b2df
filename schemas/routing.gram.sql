-- One layer's Gram matrix G = H^T H of the router logits H (tokens x experts): all that clustering needs.
CREATE TABLE IF NOT EXISTS routing.gram (
  model_id STRING NOT NULL COMMENT 'model that routed',
  task STRING NOT NULL COMMENT 'task or corpus',
  split STRING NOT NULL COMMENT 'train or validation',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  experts INT NOT NULL COMMENT 'E, order of the matrix: rows of the router, masked and zeroed ones too',
  tokens BIGINT NOT NULL COMMENT 'rows of H',
  sequences BIGINT NOT NULL COMMENT 'sequences that the tokens belong to',
  gram ARRAY<DOUBLE> NOT NULL COMMENT 'E * E entries, row by row',
  manifest_sha256 STRING NOT NULL COMMENT 'of the model as it was dumped',
  data STRING NOT NULL COMMENT 'tokenise run that the sequences come from',
  sample STRING NOT NULL COMMENT 'all, or the --tokens of the dump'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'Gram matrices of router logits'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
