-- Two experts of one layer: the similarity of their router logits, from the Gram matrix. Each pair appears in both orders.
CREATE OR REPLACE TEMPORARY VIEW expert_distance (
  model_id COMMENT 'model that routed',
  task COMMENT 'task or corpus',
  split COMMENT 'train or validation',
  layer COMMENT 'block of the model, from 0',
  expert COMMENT 'one expert',
  other COMMENT 'another expert, or the same',
  tokens COMMENT 'tokens that both distances are over',
  cosine COMMENT 'cosine of the angle between their columns of router logits; none if one is all zeros',
  distance COMMENT 'Euclidean distance of the two columns',
  mean_square_difference COMMENT 'the same squared and per token, to compare dumps of different size'
) COMMENT 'distances between experts' AS
WITH entries AS (
  SELECT model_id, task, split, layer, experts, tokens, gram, posexplode(gram) AS (place, product)
  FROM uncurl.routing.gram
),
pairs AS (
  SELECT
    model_id,
    task,
    split,
    layer,
    tokens,
    int(place div experts) AS expert,
    int(place % experts) AS other,
    product,
    gram[int(place div experts) * (experts + 1)] AS square,
    gram[int(place % experts) * (experts + 1)] AS other_square
  FROM entries
)
SELECT
  model_id,
  task,
  split,
  layer,
  expert,
  other,
  tokens,
  product / nullif(sqrt(square * other_square), 0),
  sqrt(greatest(square - 2 * product + other_square, 0)),
  greatest(square - 2 * product + other_square, 0) / tokens
FROM pairs;
