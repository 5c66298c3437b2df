-- One packed training sequence of fixed length. Each document ends with <|endoftext|>; none is dropped or truncated.
CREATE TABLE IF NOT EXISTS corpus.sequences (
  corpus STRING NOT NULL COMMENT 'name of the corpus, as in the tokenize configuration',
  split STRING NOT NULL COMMENT 'train or validation, by a hash of document content',
  sequence_id BIGINT NOT NULL COMMENT 'place in the shuffled order of the corpus and split, from 0',
  tokens ARRAY<INT> NOT NULL COMMENT 'token ids, always as many as the sequence length; -1 pads the last one of a unit (a file or a block of one)',
  document_starts ARRAY<INT> NOT NULL COMMENT 'positions in tokens at which a document begins',
  source_refs ARRAY<STRUCT<source: STRING, offset: BIGINT>> NOT NULL COMMENT 'file and byte offset of each document that has tokens here'
) USING iceberg
PARTITIONED BY (corpus, split)
COMMENT 'packed training sequences'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'write.parquet.row-group-size-bytes' = '33554432', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
