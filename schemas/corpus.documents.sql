-- The hash of one kept document, in which later runs look for copies. Only corpora that were tokenised with
-- duplicates.within = corpus or run have rows.
CREATE TABLE IF NOT EXISTS corpus.documents (
  corpus STRING NOT NULL COMMENT 'name of the corpus',
  content_hash STRING NOT NULL COMMENT 'sha-256 of the text, in hexadecimal; of an example: of prompt and answer',
  source STRING NOT NULL COMMENT 'file',
  source_offset BIGINT NOT NULL COMMENT 'byte offset in the uncompressed file'
) USING iceberg
PARTITIONED BY (corpus)
COMMENT 'hashes of documents'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
