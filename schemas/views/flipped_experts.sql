-- One flipped example at one MoE layer: the experts that its tokens were sent to by the parent and by the model, from the dumps
-- of both (routing.logits) of that task and split. A side without a dump is null; a plan that was scored without a model has
-- none. With router rule map, mask or zero experts have the same numbers on both sides: those of the router's rows. A dump that
-- samples tokens has whole sequences, so an example is in it with all of its tokens or not at all.
CREATE OR REPLACE TEMPORARY VIEW flipped_experts (
  model_id COMMENT 'model, or plan that was scored without one',
  parent_model_id COMMENT 'what it was made from',
  task COMMENT 'task',
  split COMMENT 'train or validation',
  example_id COMMENT 'as in evaluation.examples',
  change COMMENT 'gained: right now and wrong before; lost: wrong now and right before',
  layer COMMENT 'block of the model, from 0',
  experts_before COMMENT 'choices of each expert by the tokens of the example in the parent, by expert',
  experts_after COMMENT 'in the model'
) COMMENT 'experts of the examples that flipped' AS
WITH choices AS (
  SELECT model_id, task, split, sequence_id, layer, expert, count(*) AS tokens
  FROM uncurl.routing.logits LATERAL VIEW explode(experts) AS expert
  GROUP BY model_id, task, split, sequence_id, layer, expert
),
used AS (
  SELECT
    model_id, task, split, sequence_id, layer,
    map_from_entries(array_sort(collect_list(struct(expert, tokens)))) AS experts
  FROM choices
  GROUP BY model_id, task, split, sequence_id, layer
),
layers AS (
  SELECT flipped.*, before.layer, before.experts AS experts_before, CAST(NULL AS MAP<INT, BIGINT>) AS experts_after
  FROM flipped_examples flipped
  JOIN used before
    ON before.model_id = flipped.parent_model_id AND before.task = flipped.task AND before.split = flipped.split
    AND before.sequence_id = flipped.example_id
  UNION ALL
  SELECT flipped.*, after.layer, NULL, after.experts
  FROM flipped_examples flipped
  JOIN used after
    ON after.model_id = flipped.model_id AND after.task = flipped.task AND after.split = flipped.split
    AND after.sequence_id = flipped.example_id
)
SELECT
  model_id,
  parent_model_id,
  task,
  split,
  example_id,
  change,
  layer,
  any_value(experts_before, true),
  any_value(experts_after, true)
FROM layers
GROUP BY model_id, parent_model_id, task, split, example_id, change, layer;
