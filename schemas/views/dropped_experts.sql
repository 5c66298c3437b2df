-- One expert that was dropped with the router rule mask: the router still has its row, but no token is ever sent to it.
CREATE OR REPLACE TEMPORARY VIEW dropped_experts (
  model_id COMMENT 'model, pruned or made from one that was',
  layer COMMENT 'block of the model, from 0',
  expert COMMENT 'expert of the model before the pruning, and router row'
) COMMENT 'experts that masked routers leave out' AS
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
SELECT model_id, layer, expert
FROM routed
WHERE leads_to = -1;
