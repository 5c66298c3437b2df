-- One finished tokenise run of one corpus; the newest row of a corpus describes what its tables contain.
CREATE TABLE IF NOT EXISTS corpus.runs (
  run_id STRING NOT NULL COMMENT 'hash of configuration and inputs: the same run has the same id',
  corpus STRING NOT NULL COMMENT 'name of the corpus',
  finished_at TIMESTAMP NOT NULL COMMENT 'when the run was committed',
  documents_in BIGINT NOT NULL COMMENT 'documents or rows read = kept + filtered + rejected',
  documents_kept BIGINT NOT NULL COMMENT 'documents or rows in the tables',
  documents_filtered BIGINT NOT NULL COMMENT 'documents or rows left out by a filter',
  documents_rejected BIGINT NOT NULL COMMENT 'documents or rows in corpus.rejections, damaged files not counted',
  filtered MAP<STRING, BIGINT> NOT NULL COMMENT 'documents_filtered by reason',
  rejected MAP<STRING, BIGINT> NOT NULL COMMENT 'documents_rejected by reason',
  tokens BIGINT NOT NULL COMMENT 'tokens in the tables, <|endoftext|> included, padding not',
  tokens_dropped MAP<STRING, BIGINT> NOT NULL COMMENT 'tokens left out after tokenising, by reason',
  padding BIGINT NOT NULL COMMENT 'positions that pad the last sequences of units',
  rows BIGINT NOT NULL COMMENT 'sequences or examples written',
  bytes BIGINT NOT NULL COMMENT 'bytes of the input files on disk, compressed where they are',
  text_bytes BIGINT NOT NULL COMMENT 'bytes of text read, decompressed',
  lengths ARRAY<BIGINT> NOT NULL COMMENT 'kept documents by length: entry i counts those of 2^i to 2^(i+1) - 1 tokens',
  languages MAP<STRING, BIGINT> NOT NULL COMMENT 'kept documents by language, where languages are recognised',
  tokenizer STRING NOT NULL COMMENT 'fingerprint of the tokenizer',
  vocabulary INT NOT NULL COMMENT 'number of token ids',
  sequence_length INT NOT NULL COMMENT 'length of a packed sequence',
  licence STRING NOT NULL COMMENT 'as the configuration states it',
  sources ARRAY<STRING> NOT NULL COMMENT 'files, in their order',
  command STRING NOT NULL COMMENT 'command line of the run',
  inputs MAP<STRING, STRING> NOT NULL COMMENT 'everything that determined the rows: settings, number, size, names and contents of the files',
  files_damaged BIGINT COMMENT 'files that are damaged or cut off, each with a row in corpus.rejections; null: not counted',
  rejected_by_split MAP<STRING, BIGINT> COMMENT 'documents_rejected by split, of the files that are of one; null: not counted',
  documents_in_both_splits BIGINT COMMENT 'distinct texts kept from training files and from validation files, before a mixture takes its part; 0 where contents decide on the split'
) USING iceberg
PARTITIONED BY (corpus)
COMMENT 'tokenise runs'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
