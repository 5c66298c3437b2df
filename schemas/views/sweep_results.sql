-- One metric of one cell of a sweep that is done, beside that of its unpruned model on the same data. The results are those that
-- are there now: a later evaluation of the same plan replaces them. With no results of the model on the same data, parent_value
-- and difference are null.
CREATE OR REPLACE TEMPORARY VIEW sweep_results AS
SELECT
  cell.sweep,
  cell.as_of,
  cell.position,
  cell.role,
  cell.model_id,
  cell.task,
  cell.plan_task,
  cell.method,
  cell.weights,
  cell.budget,
  cell.experts_before,
  cell.experts_after,
  cell.seed,
  cell.router,
  result.metric,
  result.value,
  result.standard_error,
  result.n,
  parent.value AS parent_value,
  result.value - parent.value AS difference,
  result.split,
  result.data,
  cell.plan_id,
  cell.results_id,
  cell.pruned_model_id,
  cell.seconds,
  cell.cell_id
FROM uncurl.sweep.cells cell
JOIN uncurl.evaluation.results result
  ON result.model_id = cell.results_id AND result.task = cell.task AND result.split = cell.split
  AND startswith(result.data, cell.data)
LEFT JOIN uncurl.evaluation.results parent
  ON parent.model_id = cell.model_id AND parent.manifest_sha256 = cell.model_sha256
  AND parent.task = result.task AND parent.split = result.split AND parent.metric = result.metric
  AND parent.data = result.data AND parent.prompt_version <=> result.prompt_version
WHERE cell.state = 'done';
