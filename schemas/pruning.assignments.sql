-- One expert in one plan: its cluster and its weight in the merge.
CREATE TABLE IF NOT EXISTS pruning.assignments (
  plan_id STRING NOT NULL COMMENT 'hash of everything that determined the plan',
  model_id STRING NOT NULL COMMENT 'model that is to be pruned',
  manifest_sha256 STRING NOT NULL COMMENT 'of that model as it was planned for',
  task STRING NOT NULL COMMENT 'task whose routing decided',
  method STRING NOT NULL COMMENT 'how the experts were chosen, as prune --method names it',
  experts_before INT NOT NULL COMMENT 'E, experts per layer of the model',
  experts_after INT NOT NULL COMMENT 'K as asked for; a layer has as many clusters as its rows name',
  seed BIGINT NOT NULL COMMENT 'seed of the method',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  expert INT NOT NULL COMMENT 'expert of the model, from 0',
  cluster INT NOT NULL COMMENT 'expert of the pruned model that it is merged into; -1: dropped (whether the router keeps its row is no part of the plan: see prune --router: mask, slice or zero)',
  weight DOUBLE NOT NULL COMMENT 'its share of the merge; the weights of a cluster sum to 1',
  is_reference BOOLEAN NOT NULL COMMENT 'whether the others of its cluster are aligned to it'
) USING iceberg
PARTITIONED BY (model_id, task, plan_id)
COMMENT 'pruning plans'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
