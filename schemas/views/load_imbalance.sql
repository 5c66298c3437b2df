-- One layer on one task: how unevenly its router spreads the tokens.
CREATE OR REPLACE TEMPORARY VIEW load_imbalance AS
SELECT
  model_id,
  task,
  split,
  layer,
  count(*) AS experts,
  max(fraction) * count(*) AS max_over_mean,
  count_if(tokens = 0) AS dead_experts,
  -sum(CASE WHEN fraction > 0 THEN fraction * ln(fraction) ELSE 0 END) / ln(count(*)) AS relative_entropy
FROM uncurl.routing.expert_statistics
GROUP BY model_id, task, split, layer
