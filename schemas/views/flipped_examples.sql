-- One example that a model answers rightly and its parent wrongly, or the other way round. The parent is the model that it was
-- made from (models.registry), or to which a plan was applied as it was scored; it must be the same one still. Both were scored
-- on the same data with the same prompts.
CREATE OR REPLACE TEMPORARY VIEW flipped_examples (
  model_id COMMENT 'model, or plan that was scored without one',
  parent_model_id COMMENT 'what it was made from',
  task COMMENT 'task',
  split COMMENT 'train or validation',
  example_id COMMENT 'as in evaluation.examples',
  change COMMENT 'gained: right now and wrong before; lost: wrong now and right before',
  label COMMENT 'index of the right choice',
  prediction_before COMMENT 'of the parent',
  prediction_after COMMENT 'of the model',
  margin_before COMMENT 'log-likelihood of the right choice less that of the best other one, nats, by the parent',
  margin_after COMMENT 'by the model',
  data COMMENT 'tokenise run and limit that fix the examples',
  prompt_version COMMENT 'version of the wording of the prompt'
) COMMENT 'examples whose answer became right or wrong' AS
WITH parents AS (
  SELECT model_id, parent_model_id, manifest_sha256, inputs['parent'] AS parent_sha256, string(NULL) AS plan_id
  FROM uncurl.models.registry
  WHERE parent_model_id IS NOT NULL
),
plans AS (
  SELECT DISTINCT model_id AS parent_model_id, manifest_sha256 AS parent_sha256, plan_id FROM uncurl.pruning.plans
),
scored AS (
  SELECT
    *,
    element_at(log_likelihoods, label + 1)
      - array_max(filter(log_likelihoods, (likelihood, choice) -> choice <> label)) AS margin
  FROM uncurl.evaluation.examples
  WHERE prediction IS NOT NULL AND label IS NOT NULL
),
after AS (
  SELECT
    scored.*,
    coalesce(plans.parent_model_id, parents.parent_model_id) AS parent_model_id,
    coalesce(plans.parent_sha256, parents.parent_sha256) AS parent_sha256
  FROM scored
  LEFT JOIN plans ON plans.plan_id = scored.plan_id
  LEFT JOIN parents
    ON scored.plan_id IS NULL AND parents.model_id = scored.model_id AND parents.manifest_sha256 = scored.manifest_sha256
)
SELECT
  after.model_id,
  after.parent_model_id,
  after.task,
  after.split,
  after.example_id,
  CASE WHEN after.prediction = after.label THEN 'gained' ELSE 'lost' END,
  after.label,
  before.prediction,
  after.prediction,
  before.margin,
  after.margin,
  after.data,
  after.prompt_version
FROM after
JOIN scored before
  ON before.model_id = after.parent_model_id AND before.manifest_sha256 = after.parent_sha256
  AND before.task = after.task AND before.split = after.split AND before.example_id = after.example_id
  AND before.data = after.data AND before.prompt_version <=> after.prompt_version
WHERE (before.prediction = before.label) <> (after.prediction = after.label);
