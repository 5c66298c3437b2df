/**
 * The dump-logits command: runs a model over the tokens of a task and writes {@code routing.*}: a row per token, and sums.
 * Input: a model folder and corpus tables. Uses cli, warehouse, cluster, spark, output.
 */
package dev.uncurl.jobs.routing;
