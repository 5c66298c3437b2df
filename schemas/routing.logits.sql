-- One token at one MoE layer. Padding has no row. No choice is dropped: a capacity factor applies to training only.
CREATE TABLE IF NOT EXISTS routing.logits (
  model_id STRING NOT NULL COMMENT 'model that routed',
  task STRING NOT NULL COMMENT 'task or corpus that the token belongs to',
  split STRING NOT NULL COMMENT 'train or validation',
  layer INT NOT NULL COMMENT 'block of the model, from 0',
  sequence_id BIGINT NOT NULL COMMENT 'example_id or sequence_id of the token; under a name of several tasks, id times their number plus the place of the task in their order',
  position INT NOT NULL COMMENT 'place of the token in the sequence as the model saw it, from 0',
  sequence_length INT NOT NULL COMMENT 'tokens of that sequence as the model saw it',
  token_id INT NOT NULL COMMENT 'the token',
  previous_expert INT COMMENT 'best expert of the token before it in the sequence, none for the first',
  experts ARRAY<INT> NOT NULL COMMENT 'the chosen experts, best first',
  gates ARRAY<FLOAT> NOT NULL COMMENT 'their gates; 0 in a zeroed row',
  output_norms ARRAY<FLOAT> NOT NULL COMMENT 'L2 norm of the output of each chosen expert, before its gate',
  logits ARRAY<FLOAT> NOT NULL COMMENT 'router logits of all experts; in a mapped, masked or zeroed router of all its rows'
) USING iceberg
PARTITIONED BY (model_id, task, split, layer)
COMMENT 'router logits'
TBLPROPERTIES (
  'write.parquet.compression-codec' = 'zstd',
  'write.parquet.row-group-size-bytes' = '16777216',
  'write.parquet.dict-encoding-enabled.column.gates.element' = 'false',
  'write.parquet.dict-encoding-enabled.column.output_norms.element' = 'false',
  'write.parquet.dict-encoding-enabled.column.logits.element' = 'false',
  'format-version' = '2',
  'write.object-storage.enabled' = 'true',
  'write.object-storage.partitioned-paths' = 'false', 'write.metadata.previous-versions-max' = '20'
)
