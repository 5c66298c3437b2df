-- One pair of models on the examples that both were scored on, with the same data and prompts; each pair appears in both
-- orders. Standard errors are those of paired differences, with the examples of one passage (column cluster) as one unit: with
-- d the sum of the differences over a unit, w its weight (examples, or tokens), r = sum d / sum w and U units, their square is
-- U / (U - 1) * sum (d - r w)^2 / (sum w)^2. evaluate --against gives intervals, tests and letters besides.
CREATE OR REPLACE TEMPORARY VIEW paired_differences (
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  model_id COMMENT 'one model',
  against COMMENT 'another',
  n COMMENT 'examples that both were scored on',
  clusters COMMENT 'independent units among them: examples, or passages with all their examples',
  accuracy_difference COMMENT 'accuracy of model_id less that of against; none unless all examples have a label',
  accuracy_error COMMENT 'its standard error',
  better COMMENT 'examples that model_id has right and against wrong',
  worse COMMENT 'examples that model_id has wrong and against right',
  loss_difference COMMENT 'loss per token of model_id less that of against, nats; above 0 is worse; none where they predicted different tokens',
  loss_error COMMENT 'its standard error',
  target_loss_difference COMMENT 'of the right answer given the prompt; above 0 is worse',
  target_loss_error COMMENT 'its standard error',
  data COMMENT 'tokenise run and limit that fix the examples',
  prompt_version COMMENT 'version of the wording of the prompt, none for sequences'
) COMMENT 'differences of two models on the same examples' AS
WITH pairs AS (
  SELECT
    one.task,
    one.split,
    one.model_id,
    other.model_id AS against,
    one.data,
    one.prompt_version,
    coalesce(one.cluster, concat('example ', one.example_id)) AS unit,
    int(one.prediction = one.label) AS right_one,
    int(other.prediction = other.label) AS right_other,
    one.text_loss - other.text_loss AS loss,
    CASE WHEN one.text_tokens = other.text_tokens THEN one.text_tokens END AS tokens,
    one.target_loss - other.target_loss AS target_loss,
    CASE WHEN one.target_tokens = other.target_tokens THEN one.target_tokens END AS target_tokens
  FROM uncurl.evaluation.examples one
  JOIN uncurl.evaluation.examples other
    ON other.task = one.task AND other.split = one.split AND other.example_id = one.example_id
    AND other.data = one.data AND other.prompt_version <=> one.prompt_version AND other.model_id <> one.model_id
),
units AS (
  SELECT
    task, split, model_id, against, data, prompt_version, unit,
    count(*) AS n,
    count(right_one - right_other) AS answered,
    sum(right_one - right_other) AS accuracy,
    count_if(right_one > right_other) AS better,
    count_if(right_one < right_other) AS worse,
    sum(loss) AS loss,
    CASE WHEN count(tokens) = count(*) THEN sum(tokens) END AS tokens,
    sum(target_loss) AS target_loss,
    CASE WHEN count(target_tokens) = count(*) THEN sum(target_tokens) END AS target_tokens
  FROM pairs
  GROUP BY task, split, model_id, against, data, prompt_version, unit
),
sums AS (
  SELECT
    task, split, model_id, against, data, prompt_version,
    sum(n) AS n,
    count(*) AS clusters,
    count(*) / nullif(count(*) - 1, 0) AS correction,
    sum(answered) = sum(n) AS labelled,
    sum(better) AS better,
    sum(worse) AS worse,
    sum(accuracy) AS d, sum(accuracy * accuracy) AS dd, sum(accuracy * n) AS dw, sum(n * n) AS ww,
    count(tokens) = count(*) AS same_tokens,
    sum(loss) AS loss, sum(loss * loss) AS loss2, sum(tokens) AS tokens, sum(loss * tokens) AS loss_tokens,
    sum(double(tokens) * tokens) AS tokens2,
    count(target_tokens) = count(*) AS same_targets,
    sum(target_loss) AS target, sum(target_loss * target_loss) AS target2, sum(target_tokens) AS target_tokens,
    sum(target_loss * target_tokens) AS target_loss_tokens, sum(double(target_tokens) * target_tokens) AS target_tokens2
  FROM units
  GROUP BY task, split, model_id, against, data, prompt_version
),
ratios AS (
  SELECT
    *,
    CASE WHEN labelled THEN d / n END AS accuracy_ratio,
    CASE WHEN same_tokens THEN loss / nullif(tokens, 0) END AS loss_ratio,
    CASE WHEN same_targets THEN target / nullif(target_tokens, 0) END AS target_ratio
  FROM sums
)
SELECT
  task,
  split,
  model_id,
  against,
  n,
  clusters,
  accuracy_ratio,
  sqrt(correction * greatest(0, dd - 2 * accuracy_ratio * dw + accuracy_ratio * accuracy_ratio * ww)) / n,
  CASE WHEN labelled THEN better END,
  CASE WHEN labelled THEN worse END,
  loss_ratio,
  sqrt(correction * greatest(0, loss2 - 2 * loss_ratio * loss_tokens + loss_ratio * loss_ratio * tokens2)) / tokens,
  target_ratio,
  sqrt(correction * greatest(0, target2 - 2 * target_ratio * target_loss_tokens + target_ratio * target_ratio * target_tokens2))
    / target_tokens,
  data,
  prompt_version
FROM ratios;
