-- One finetuned model beside what it was finetuned from: what pruning cost before and after the same finetuning. Where
-- layers differ in experts, the most that one has; models.registry tells them all in config.
CREATE OR REPLACE TEMPORARY VIEW pruning_frontier AS
SELECT
  after.task AS task,
  after.split AS split,
  tuned.model_id AS model_id,
  coalesce(base.inputs['method'], 'unpruned') AS method,
  CASE -- what drops experts was sliced before there was a choice, whatever is recorded
    WHEN base.stage <> 'prune' THEN NULL
    WHEN base.inputs['method'] IN ('frequency', 'gate-mass', 'reap', 'random')
      AND coalesce(base.inputs['router'], 'collapse') IN ('map', 'collapse') THEN 'slice'
    ELSE coalesce(base.inputs['router'], 'collapse')
  END AS router,
  int(get_json_object(tuned.config, '$.moe.experts')) AS experts,
  before.loss AS loss_before,
  after.loss AS loss_after,
  before.accuracy AS accuracy_before,
  after.accuracy AS accuracy_after,
  after.accuracy_error AS standard_error,
  after.n AS n,
  after.majority AS majority,
  after.constant AS constant,
  tuned.parameters AS parameters,
  tuned.bytes AS bytes,
  latency.p50_ms AS ms_per_batch
FROM uncurl.models.registry tuned
JOIN uncurl.models.registry base ON base.model_id = tuned.parent_model_id
JOIN model_results after ON after.model_id = tuned.model_id
LEFT JOIN model_results before ON before.model_id = base.model_id AND before.task = after.task AND before.split = after.split
LEFT JOIN uncurl.evaluation.latency latency
  ON latency.model_id = tuned.model_id AND latency.manifest_sha256 = tuned.manifest_sha256
WHERE tuned.stage = 'finetune';
