-- One rejected input: a document, a row, or the unread rest of a damaged file. Together with corpus.runs, this table
-- accounts for every document.
CREATE TABLE IF NOT EXISTS corpus.rejections (
  corpus STRING NOT NULL COMMENT 'name of the corpus',
  source STRING NOT NULL COMMENT 'file',
  location STRING NOT NULL COMMENT 'place in the file: line or byte offset',
  reason STRING NOT NULL COMMENT 'what is wrong with it',
  excerpt STRING NOT NULL COMMENT 'its first characters'
) USING iceberg
PARTITIONED BY (corpus)
COMMENT 'inputs that were refused'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
