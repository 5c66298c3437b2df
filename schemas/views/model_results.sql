-- One model on one task and split: its metrics in one row. Metrics share a row only if model, data and prompts are the
-- same. In rows of release 0.1.0 acc has the name accuracy.
CREATE OR REPLACE TEMPORARY VIEW model_results AS
SELECT
  model_id,
  task,
  split,
  max(CASE WHEN metric = 'loss_per_token' THEN value END) AS loss,
  max(CASE WHEN metric = 'loss_per_token' THEN standard_error END) AS loss_error,
  max(CASE WHEN metric = 'target_loss_per_token' THEN value END) AS target_loss,
  max(CASE WHEN metric IN ('acc', 'accuracy') THEN value END) AS accuracy,
  max(CASE WHEN metric IN ('acc', 'accuracy') THEN standard_error END) AS accuracy_error,
  max(CASE WHEN metric IN ('acc', 'accuracy') THEN n END) AS n,
  max(CASE WHEN metric IN ('acc', 'accuracy') THEN majority_baseline END) AS majority,
  bool_or(constant_predictor) AS constant,
  max(CASE WHEN metric = 'loss_per_token' THEN n END) AS loss_tokens,
  manifest_sha256,
  data,
  prompt_version,
  max(examples_cut) AS examples_cut,
  max(examples_refused) AS examples_refused
FROM uncurl.evaluation.results
GROUP BY model_id, task, split, manifest_sha256, data, prompt_version;
