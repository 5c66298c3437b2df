-- One metric of one model on one task.
CREATE TABLE IF NOT EXISTS evaluation.results (
  model_id STRING NOT NULL COMMENT 'model',
  task STRING NOT NULL COMMENT 'task or corpus',
  split STRING NOT NULL COMMENT 'train or validation',
  metric STRING NOT NULL COMMENT 'acc (accuracy), acc_norm, acc_bytes and acc_tokens (accuracy by log-likelihood per character, byte and token of a choice), f1, f1_a (F1 of right answers), em (exact match), loss_per_token (prompt and answer), target_loss_per_token, unigram_loss_per_token (on the tokens of loss_per_token), bits_per_byte (of the text of those tokens)',
  value DOUBLE NOT NULL COMMENT 'accuracy, F1 and exact match as a share, losses in nats per token or bits per byte',
  n BIGINT NOT NULL COMMENT 'examples behind an accuracy or F1, questions behind an exact match, predicted tokens behind a loss, their bytes behind bits per byte',
  standard_error DOUBLE NOT NULL COMMENT 'of value; for losses with examples or sequences as independent units',
  majority_baseline DOUBLE COMMENT 'share of the largest class; none for losses',
  constant_predictor BOOLEAN COMMENT 'whether the model always gives the same answer; none for losses',
  prompt_version STRING COMMENT 'version of the wording of the prompt',
  manifest_sha256 STRING NOT NULL COMMENT 'of the model as it was evaluated',
  data STRING NOT NULL COMMENT 'tokenise run and limit that fix the examples',
  examples_cut BIGINT COMMENT 'scored examples or sequences longer than the context of the model, of which only the end was seen; none in rows of releases that gave metrics other names',
  examples_refused BIGINT COMMENT 'examples that were not scored because an answer left no room for its prompt',
  rows_rejected BIGINT COMMENT 'rows of the split that tokenise rejected, which are not scored; none where the split goes by content, for corpora and under a limit',
  plan_id STRING COMMENT 'plan that was applied to the model as it was scored; none for a model as it is stored',
  router STRING COMMENT 'rule for the router under that plan'
) USING iceberg
PARTITIONED BY (model_id, task, split)
COMMENT 'metrics'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
