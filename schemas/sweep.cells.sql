-- One cell of a sweep of one date: a model, or a plan of it, scored on a task. The rows of a sweep and date are replaced together.
CREATE TABLE IF NOT EXISTS sweep.cells (
  sweep STRING NOT NULL COMMENT 'name of the sweep',
  as_of STRING NOT NULL COMMENT 'date that the sweep was run for, such as 2026-11-25',
  position INT NOT NULL COMMENT 'place in the order of the sweep, from 1',
  cell_id STRING NOT NULL COMMENT 'hash of all coordinates and of the hashes of model and data; the same in every sweep',
  role STRING NOT NULL COMMENT 'method, or a control: parent, random, other-task, scratch (a model that was pretrained with K experts per layer, or dense)',
  model_id STRING NOT NULL COMMENT 'model that is pruned; of a scratch control the model itself',
  model_sha256 STRING NOT NULL COMMENT 'of its manifest',
  experts_before INT NOT NULL COMMENT 'E, per layer; 0 for a dense model',
  task STRING NOT NULL COMMENT 'task or corpus that it is scored on',
  data STRING NOT NULL COMMENT 'tokenise run of the task',
  split STRING NOT NULL COMMENT 'train or validation: what it is scored on',
  plan_task STRING COMMENT 'task whose router logits the plan is made from; none for the parent, as all columns up to router',
  plan_data STRING COMMENT 'tokenise run of that task',
  method STRING COMMENT 'pruning method',
  weights STRING COMMENT 'weights of merged experts',
  budget STRING COMMENT 'uniform or adaptive',
  parameters MAP<STRING, STRING> COMMENT 'further settings of the plan',
  experts_after INT COMMENT 'K, per layer, as asked for',
  seed BIGINT COMMENT 'seed of the method',
  router STRING COMMENT 'rule for the router',
  recipe STRING COMMENT 'finetuning recipe, such as train/demo-finetune; none: not finetuned',
  recipe_seed BIGINT COMMENT 'seed of the finetuning',
  state STRING NOT NULL COMMENT 'waiting, running (begun, but not ended when the rows were last written), done, failed, left-out (by the scores of plans)',
  attempts INT NOT NULL COMMENT 'how often this sweep began it on this date; 0 if its results were there already',
  seconds DOUBLE COMMENT 'time of the attempt that ended it; none if its results were there already',
  error STRING COMMENT 'message of the last attempt, if it failed',
  plan_id STRING COMMENT 'plan, once it is made',
  results_id STRING COMMENT 'model_id of its rows in evaluation.results, once it is done: the finetuned model where there is a recipe',
  pruned_model_id STRING COMMENT 'model that was made of it by pruning, if the sweep makes models',
  keeps_model BOOLEAN COMMENT 'whether models that were made of it stay when maintain deletes those that no kept cell needs; none: not known yet',
  settings MAP<STRING, STRING> NOT NULL COMMENT 'settings of the sweep that decide which cells it has, as JSON',
  command STRING NOT NULL COMMENT 'command line of the last run',
  updated_at TIMESTAMP NOT NULL COMMENT 'when the row was written'
) USING iceberg
PARTITIONED BY (sweep, as_of)
COMMENT 'cells of sweeps'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
