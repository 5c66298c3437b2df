-- One scored example.
CREATE TABLE IF NOT EXISTS evaluation.examples (
  model_id STRING NOT NULL COMMENT 'model that answered',
  task STRING NOT NULL COMMENT 'task',
  split STRING NOT NULL COMMENT 'train or validation',
  example_id BIGINT NOT NULL COMMENT 'as in corpus.examples, or sequence_id of a corpus; under a name of several tasks or corpora, id times their number plus the place of the one in their order',
  log_likelihoods ARRAY<DOUBLE> COMMENT 'of each choice given the prompt, nats; none for free text',
  prediction INT COMMENT 'index of the highest, ties to the lower; none for free text',
  label INT COMMENT 'index of the right choice',
  text_loss DOUBLE NOT NULL COMMENT 'cross-entropy of prompt and right answer, summed over text_tokens, nats',
  text_tokens INT NOT NULL COMMENT 'predicted tokens of prompt and right answer',
  target_loss DOUBLE NOT NULL COMMENT 'cross-entropy of the right answer given the prompt, summed over target_tokens, nats',
  target_tokens INT NOT NULL COMMENT 'predicted tokens of the right answer',
  manifest_sha256 STRING COMMENT 'of the model as it was evaluated',
  data STRING COMMENT 'tokenise run and limit that fix the examples, as in evaluation.results',
  prompt_version STRING COMMENT 'version of the wording of the prompt, none for sequences',
  prompt_tokens INT COMMENT 'tokens of the prompt before it is cut to the context; none in rows of releases that did not count them',
  choice_bytes ARRAY<INT> COMMENT 'UTF-8 bytes of each choice without the blank before it, at least 1; none for free text, or where the tokenizer is unknown',
  choice_tokens ARRAY<INT> COMMENT 'tokens of each choice; none for free text',
  cluster STRING COMMENT 'passage of the example, as file:offset, where several examples are about one passage (MultiRC, ReCoRD): the unit of resampling',
  bytes BIGINT COMMENT 'UTF-8 bytes of text_tokens, <|endoftext|> as none; none where the tokenizer is unknown',
  plan_id STRING COMMENT 'plan that was applied to the model as it was scored; none for a model as it is stored',
  router STRING COMMENT 'rule for the router under that plan',
  choice_characters ARRAY<INT> COMMENT 'characters (code points) of each choice without the blank before it, at least 1; none for free text, or where the tokenizer is unknown'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'scored examples'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
