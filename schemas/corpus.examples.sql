-- One example of FLAN or of a task with choices. Prompt and target are separate, so that a loss can be computed on targets only.
CREATE TABLE IF NOT EXISTS corpus.examples (
  task STRING NOT NULL COMMENT 'flan/<task name>, superglue/<task> or another of conf/task; of one corpus alone',
  split STRING NOT NULL COMMENT 'train or validation',
  example_id BIGINT NOT NULL COMMENT 'place within task and split, from 0, in the order of files and rows',
  prompt_tokens ARRAY<INT> NOT NULL COMMENT 'token ids of the prompt; with choices and no text, that of <|endoftext|> alone',
  target_tokens ARRAY<INT> NOT NULL COMMENT 'token ids of the right answer, closed by <|endoftext|>',
  choices ARRAY<ARRAY<INT>> COMMENT 'token ids of each possible answer, none for free text',
  label INT COMMENT 'index of the right answer in choices',
  right_choices ARRAY<INT> COMMENT 'indices of all answers that are right, label the first; none for free text',
  prompt_version STRING NOT NULL COMMENT 'version of the wording of the prompt',
  source STRING NOT NULL COMMENT 'file of the row',
  source_offset BIGINT NOT NULL COMMENT 'byte offset of the row in the uncompressed file',
  source_part INT NOT NULL COMMENT 'which of the examples of its row this is, from 0',
  source_group INT NOT NULL COMMENT 'which question of its row it answers, from 0',
  corpus STRING COMMENT 'corpus that the row belongs to; where it is null, as in rows of release 0.1.0, the longest name in corpus.runs that is the task or is followed by / in it',
  answers ARRAY<STRING> COMMENT 'for each choice the text that stands for it where answers are compared as texts: in ReCoRD the entity; null where there are none, and in rows of earlier releases'
) USING iceberg
PARTITIONED BY (task, split)
COMMENT 'examples of FLAN and SuperGLUE'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
