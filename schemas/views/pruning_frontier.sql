-- One finetuned model and its parent: the cost of pruning before and after the same finetuning. Only results of the
-- models in models.registry are used; the method is unknown if the parent has been replaced since. Results before
-- finetuning are shown only if they have the same data, prompts and n as the results after it; otherwise they are null
-- (see model_results). The loss before is also null if the losses are over different tokens, as for models with
-- different contexts. The time is for the setting in the last three columns: compare only rows with the same setting.
-- If layers have different numbers of experts, experts is the largest; column config of models.registry has all.
CREATE OR REPLACE TEMPORARY VIEW pruning_frontier AS
SELECT
  after.task AS task,
  after.split AS split,
  tuned.model_id AS model_id,
  coalesce(base.inputs['method'], CASE WHEN base.model_id IS NULL THEN 'unknown' ELSE 'unpruned' END) AS method,
  CASE -- early releases recorded map or collapse for methods that drop experts, but sliced the router
    WHEN base.stage <> 'prune' THEN NULL
    WHEN base.inputs['method'] IN ('frequency', 'gate-mass', 'reap', 'random')
      AND coalesce(base.inputs['router'], 'collapse') IN ('map', 'collapse') THEN 'slice'
    ELSE coalesce(base.inputs['router'], 'collapse')
  END AS router,
  int(get_json_object(tuned.config, '$.moe.experts')) AS experts,
  CASE WHEN before.loss_tokens = after.loss_tokens THEN before.loss END AS loss_before,
  after.loss AS loss_after,
  before.accuracy AS accuracy_before,
  after.accuracy AS accuracy_after,
  after.accuracy_error AS standard_error,
  after.n AS n,
  after.majority AS majority,
  before.constant AS constant_before,
  after.constant AS constant,
  tuned.parameters AS parameters,
  tuned.bytes AS bytes,
  latency.p50_ms AS ms_per_batch,
  tuned.parent_model_id AS parent_model_id,
  after.data AS data,
  after.prompt_version AS prompt_version,
  after.loss_tokens AS loss_tokens,
  latency.batch AS latency_batch,
  latency.sequence_length AS latency_sequence_length,
  latency.executors AS latency_executors
FROM uncurl.models.registry tuned
LEFT JOIN uncurl.models.registry base
  ON base.model_id = tuned.parent_model_id AND base.manifest_sha256 = tuned.inputs['parent']
JOIN model_results after ON after.model_id = tuned.model_id AND after.manifest_sha256 = tuned.manifest_sha256
LEFT JOIN model_results before
  ON before.model_id = base.model_id AND before.manifest_sha256 = base.manifest_sha256
  AND before.task = after.task AND before.split = after.split
  AND before.data = after.data AND before.prompt_version <=> after.prompt_version AND before.n <=> after.n
LEFT JOIN uncurl.evaluation.latency latency
  ON latency.model_id = tuned.model_id AND latency.manifest_sha256 = tuned.manifest_sha256
WHERE tuned.stage = 'finetune';
