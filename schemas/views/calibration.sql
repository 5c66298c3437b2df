-- How a choice of experts depends on the number of tokens: one layer of a model on a task, a method, K and the first 1, 2, 4, 8, ...
-- sequences of the dump in the order of their ids. Kept are the K experts with the highest scores, K = E/2, E/4, ..., as prune keeps
-- them (frequency: choices; gate-mass: sum of gates; reap: mean of gate times output norm), compared with those of the whole dump.
-- Both measures are 1 in the last row by definition: what counts is how early they come near.
CREATE OR REPLACE TEMPORARY VIEW calibration (
  model_id COMMENT 'model that routed',
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  method COMMENT 'frequency, gate-mass or reap',
  experts_after COMMENT 'K',
  sequences COMMENT 'number of first sequences',
  tokens COMMENT 'their tokens',
  jaccard COMMENT 'experts kept from these tokens and from all, as a share of those kept from either',
  rank_correlation COMMENT 'Spearman correlation of the scores of all experts with those from all tokens, equal scores at their mean rank; none if all are equal'
) COMMENT 'how many tokens a choice of experts needs' AS
WITH places AS (
  SELECT
    model_id, task, split, layer, sequence_id,
    count(*) AS tokens,
    int(ceil(log2(row_number() OVER (PARTITION BY model_id, task, split, layer ORDER BY sequence_id)))) AS part
  FROM uncurl.routing.logits
  GROUP BY model_id, task, split, layer, sequence_id
),
parts AS ( -- part p: the sequences after the first 2^(p-1), up to the first 2^p
  SELECT model_id, task, split, layer, part, count(*) AS sequences, sum(tokens) AS tokens
  FROM places
  GROUP BY model_id, task, split, layer, part
),
choices AS (
  SELECT
    model_id, task, split, layer, sequence_id, choice.experts AS expert,
    count(*) AS choices,
    sum(double(choice.gates)) AS mass,
    sum(double(choice.gates) * choice.output_norms) AS added
  FROM uncurl.routing.logits
  LATERAL VIEW explode(arrays_zip(experts, gates, output_norms)) AS choice
  GROUP BY model_id, task, split, layer, sequence_id, choice.experts
),
sums AS (
  SELECT model_id, task, split, layer, part, expert, sum(choices) AS choices, sum(mass) AS mass, sum(added) AS added
  FROM choices
  JOIN places USING (model_id, task, split, layer, sequence_id)
  GROUP BY model_id, task, split, layer, part, expert
),
running AS ( -- every expert in every prefix, chosen or not
  SELECT
    model_id, task, split, layer, part, expert,
    sum(parts.sequences) OVER so_far AS sequences,
    sum(parts.tokens) OVER so_far AS tokens,
    sum(coalesce(choices, 0)) OVER so_far AS choices,
    sum(coalesce(mass, 0)) OVER so_far AS mass,
    sum(coalesce(added, 0)) OVER so_far AS added
  FROM parts
  JOIN (SELECT model_id, task, split, layer, expert FROM uncurl.routing.expert_statistics)
    USING (model_id, task, split, layer)
  LEFT JOIN sums USING (model_id, task, split, layer, part, expert)
  WINDOW so_far AS (PARTITION BY model_id, task, split, layer, expert ORDER BY part)
),
scores AS (
  SELECT
    model_id, task, split, layer, part, sequences, tokens, expert,
    stack(3, 'frequency', double(choices), 'gate-mass', mass, 'reap', coalesce(added / nullif(choices, 0), 0.0D))
      AS (method, score)
  FROM running
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY model_id, task, split, layer, method, part ORDER BY score DESC, expert) AS place,
    rank() OVER (PARTITION BY model_id, task, split, layer, method, part ORDER BY score)
      + (count(*) OVER (PARTITION BY model_id, task, split, layer, method, part, score) - 1) / 2 AS mean_rank,
    count(*) OVER (PARTITION BY model_id, task, split, layer, method, part) AS experts
  FROM scores
),
beside AS (
  SELECT
    *,
    max_by(place, part) OVER (PARTITION BY model_id, task, split, layer, method, expert) AS final_place,
    max_by(mean_rank, part) OVER (PARTITION BY model_id, task, split, layer, method, expert) AS final_rank
  FROM ranked
)
SELECT
  model_id,
  task,
  split,
  layer,
  method,
  k,
  sequences,
  tokens,
  count_if(place <= k AND final_place <= k) / (2 * k - count_if(place <= k AND final_place <= k)),
  CASE WHEN stddev_pop(mean_rank) > 0 AND stddev_pop(final_rank) > 0 THEN corr(mean_rank, final_rank) END
FROM beside
LATERAL VIEW explode(transform(sequence(1, greatest(1, int(floor(log2(experts))))), i -> greatest(1, int(experts / pow(2, i))))) AS k
GROUP BY model_id, task, split, layer, method, k, part, sequences, tokens;
