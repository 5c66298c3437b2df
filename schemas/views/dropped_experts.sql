-- One dropped expert whose router row stays: under the rule mask no token chooses it, under zero tokens choose it and get
-- nothing.
CREATE OR REPLACE TEMPORARY VIEW dropped_experts (
  model_id COMMENT 'model, pruned or made from one that was',
  layer COMMENT 'block of the model, from 0',
  expert COMMENT 'expert of the model before the pruning, and router row',
  router COMMENT 'router rule of the pruning: mask or zero'
) COMMENT 'dropped experts that routers still have rows of' AS
WITH layers AS (
  SELECT
    model_id,
    explode(from_json(
      get_json_object(config, '$.moe.by-layer'),
      'MAP<STRING, STRUCT<`router-map`: ARRAY<INT>>>'
    )) AS (layer, own)
  FROM uncurl.models.registry
),
routed AS (
  SELECT model_id, int(layer) AS layer, posexplode(own.`router-map`) AS (expert, leads_to)
  FROM layers
)
SELECT model_id, layer, expert, CASE leads_to WHEN -1 THEN 'mask' ELSE 'zero' END
FROM routed
WHERE leads_to < 0;
