-- One plan: everything that determined it, and how well it fits the router logits. pruning.assignments has its clusters.
CREATE TABLE IF NOT EXISTS pruning.plans (
  plan_id STRING NOT NULL COMMENT 'hash of everything that determined the plan and of its rows; planning the same again gives the same. How routers follow (--router) is no part of it',
  model_id STRING NOT NULL COMMENT 'model that is to be pruned',
  manifest_sha256 STRING NOT NULL COMMENT 'of that model as it was planned for',
  task STRING NOT NULL COMMENT 'task whose routing decided',
  split STRING NOT NULL COMMENT 'split of the task: train or validation',
  method STRING NOT NULL COMMENT 'how the experts were chosen, as prune --method names it',
  weights STRING NOT NULL COMMENT 'what the weights of a merge are proportional to: frequency, gate-mass, uniform, reference-only',
  budget STRING NOT NULL COMMENT 'how layers share what is kept: uniform, adaptive',
  experts_before INT NOT NULL COMMENT 'E, experts per layer of the model',
  experts_after INT NOT NULL COMMENT 'K as asked for; column layers has the K of each layer',
  seed BIGINT NOT NULL COMMENT 'seed of the method',
  parameters MAP<STRING, STRING> NOT NULL COMMENT 'what else determined it: exceptions (layers), largest cluster (max-cluster), tokenise run (data), evidence-sha256: hash of the Gram matrices and statistics that were read',
  snapshots MAP<STRING, BIGINT> NOT NULL COMMENT 'snapshot of each routing table that they were read from when the plan was first made; not part of plan_id, since other dumps make new snapshots too',
  layers ARRAY<STRUCT<layer: INT, experts: INT, clusters: INT, inertia: DOUBLE, silhouette: DOUBLE, predicted_cost: DOUBLE>> NOT NULL COMMENT 'per layer: E, K, sum of squared distances of router logits to cluster means, mean silhouette (none with one cluster), and activation-weighted squared shift of router logits as a share of their spread, 0 to about 1',
  created_at TIMESTAMP NOT NULL COMMENT 'when it was first made'
) USING iceberg
PARTITIONED BY (model_id, task, plan_id)
COMMENT 'what determined pruning plans'
TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd', 'format-version' = '2', 'write.object-storage.enabled' = 'true', 'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20')
