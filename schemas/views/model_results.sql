-- One model on one task and split: its metrics side by side.
CREATE OR REPLACE TEMPORARY VIEW model_results AS
SELECT
  model_id,
  task,
  split,
  max(CASE WHEN metric = 'loss_per_token' THEN value END) AS loss,
  max(CASE WHEN metric = 'loss_per_token' THEN standard_error END) AS loss_error,
  max(CASE WHEN metric = 'target_loss_per_token' THEN value END) AS target_loss,
  max(CASE WHEN metric = 'accuracy' THEN value END) AS accuracy,
  max(CASE WHEN metric = 'accuracy' THEN standard_error END) AS accuracy_error,
  max(CASE WHEN metric = 'accuracy' THEN n END) AS n,
  max(CASE WHEN metric = 'accuracy' THEN majority_baseline END) AS majority,
  bool_or(constant_predictor) AS constant
FROM uncurl.evaluation.results
GROUP BY model_id, task, split;
