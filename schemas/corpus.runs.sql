-- One finished tokenise run of one corpus; the newest row of a corpus tells what its tables hold.
CREATE TABLE IF NOT EXISTS corpus.runs (
  run_id STRING NOT NULL COMMENT 'hash of configuration and inputs: the same run has the same id',
  corpus STRING NOT NULL COMMENT 'name of the corpus',
  finished_at TIMESTAMP NOT NULL COMMENT 'when the run was committed',
  documents_in BIGINT NOT NULL COMMENT 'documents or rows read = kept + filtered + rejected',
  documents_kept BIGINT NOT NULL COMMENT 'documents or rows in the tables',
  documents_filtered BIGINT NOT NULL COMMENT 'documents or rows left out by a filter',
  documents_rejected BIGINT NOT NULL COMMENT 'documents or rows in corpus.rejections',
  tokens BIGINT NOT NULL COMMENT 'tokens in the tables, <|endoftext|> included, padding not',
  padding BIGINT NOT NULL COMMENT 'positions that pad the last sequences',
  rows BIGINT NOT NULL COMMENT 'sequences or examples written',
  bytes BIGINT NOT NULL COMMENT 'bytes of the input files as they lie on disk',
  tokenizer STRING NOT NULL COMMENT 'fingerprint of the tokenizer',
  vocabulary INT NOT NULL COMMENT 'number of token ids',
  sequence_length INT NOT NULL COMMENT 'length of a packed sequence',
  inputs MAP<STRING, STRING> NOT NULL COMMENT 'everything that determined the rows: settings, number, size and hash of the file list'
) USING iceberg
PARTITIONED BY (corpus)
COMMENT 'tokenise runs'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2')
