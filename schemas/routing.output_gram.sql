-- Similarity of the outputs of one layer's experts: inner products of their mean outputs, with every expert on the same tokens.
CREATE TABLE IF NOT EXISTS routing.output_gram (
  model_id STRING NOT NULL COMMENT 'model whose experts ran',
  task STRING NOT NULL COMMENT 'task or corpus',
  split STRING NOT NULL COMMENT 'train or validation',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  experts INT NOT NULL COMMENT 'E, order of the matrix: rows of the router, each with the outputs of its expert',
  tokens BIGINT NOT NULL COMMENT 'tokens that every expert ran on, at the input that the router of the layer sees',
  sequences BIGINT NOT NULL COMMENT 'sequences that the tokens belong to',
  gram ARRAY<DOUBLE> NOT NULL COMMENT 'E * E entries, row by row: inner products of the mean outputs, before any gate; 0 for a masked or zeroed row, which has no expert',
  manifest_sha256 STRING NOT NULL COMMENT 'of the model as it ran',
  data STRING NOT NULL COMMENT 'tokenise run that the sequences come from',
  sample STRING NOT NULL COMMENT 'the --outputs of the dump'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'inner products of mean outputs of experts'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
