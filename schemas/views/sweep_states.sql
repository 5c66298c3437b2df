-- One sweep of one date: its cells by state, the time in cells, and when its rows were last written.
CREATE OR REPLACE TEMPORARY VIEW sweep_states AS
SELECT
  sweep,
  as_of,
  count(*) AS cells,
  count_if(state = 'done') AS done,
  count_if(state = 'failed') AS failed,
  count_if(state IN ('waiting', 'running')) AS missing,
  sum(attempts) AS attempts,
  sum(seconds) AS seconds,
  max(updated_at) AS updated_at
FROM uncurl.sweep.cells
GROUP BY sweep, as_of;
