-- One finetuned model and its parent: the cost of pruning before and after the same finetuning. Only results of the
-- models in models.registry are used; the method is unknown if the parent has been replaced since. Results before
-- finetuning are shown only if they have the same data, prompts and n as the results after it; otherwise they are null
-- (see model_results). The loss before is also null if the losses are over different tokens, as for models with
-- different contexts. Times are shown only if one run of evaluate --latency has timed all models with results of the same
-- task, split, data, prompts, n and loss_tokens: the newest such run, and of its settings the largest batch and then the
-- longest sequences. Otherwise the times of a table would not compare, and are null.
-- If layers have different numbers of experts, experts is the largest; column config of models.registry has all.
CREATE OR REPLACE TEMPORARY VIEW pruning_frontier AS
WITH results AS (
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
    tuned.parent_model_id AS parent_model_id,
    after.data AS data,
    after.prompt_version AS prompt_version,
    after.loss_tokens AS loss_tokens,
    tuned.manifest_sha256 AS manifest_sha256,
    count(*) OVER (
      PARTITION BY after.task, after.split, after.data, after.prompt_version, after.n, after.loss_tokens
    ) AS comparable
  FROM uncurl.models.registry tuned
  LEFT JOIN uncurl.models.registry base
    ON base.model_id = tuned.parent_model_id AND base.manifest_sha256 = tuned.inputs['parent']
  JOIN model_results after ON after.model_id = tuned.model_id AND after.manifest_sha256 = tuned.manifest_sha256
  LEFT JOIN model_results before
    ON before.model_id = base.model_id AND before.manifest_sha256 = base.manifest_sha256
    AND before.task = after.task AND before.split = after.split
    AND before.data = after.data AND before.prompt_version <=> after.prompt_version AND before.n <=> after.n
  WHERE tuned.stage = 'finetune'
),
timed AS ( -- one row for each model and time; together: the run has timed all models of the table at this setting
  SELECT
    results.*,
    latency.p50_ms AS p50_ms,
    latency.batch AS batch,
    latency.sequence_length AS sequence_length,
    latency.executors AS executors,
    latency.threads AS threads,
    latency.run_id AS run_id,
    latency.measured_at AS measured_at,
    comparable = count(latency.run_id) OVER (
      PARTITION BY task, split, data, prompt_version, n, loss_tokens,
        latency.run_id, latency.batch, latency.sequence_length
    ) AS together
  FROM results
  LEFT JOIN uncurl.evaluation.latency latency
    ON latency.model_id = results.model_id AND latency.manifest_sha256 = results.manifest_sha256
),
placed AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY task, split, data, prompt_version, n, loss_tokens, model_id
      ORDER BY together DESC, measured_at DESC, run_id, batch DESC, sequence_length DESC
    ) AS place
  FROM timed
)
SELECT
  task,
  split,
  model_id,
  method,
  router,
  experts,
  loss_before,
  loss_after,
  accuracy_before,
  accuracy_after,
  standard_error,
  n,
  majority,
  constant_before,
  constant,
  parameters,
  bytes,
  CASE WHEN together THEN p50_ms END AS ms_per_batch,
  parent_model_id,
  data,
  prompt_version,
  loss_tokens,
  CASE WHEN together THEN batch END AS latency_batch,
  CASE WHEN together THEN sequence_length END AS latency_sequence_length,
  CASE WHEN together THEN executors END AS latency_executors,
  CASE WHEN together THEN threads END AS latency_threads,
  CASE WHEN together THEN run_id END AS latency_run_id
FROM placed
WHERE place = 1;
