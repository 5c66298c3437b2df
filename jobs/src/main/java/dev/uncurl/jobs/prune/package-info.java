/**
 * The prune command: computes a plan from the routing statistics, stores it in {@code pruning.*}, and applies it to a model
 * folder. Uses cli, warehouse, spark, output. The plan itself is computed in {@code dev.uncurl.pruning}.
 */
package dev.uncurl.jobs.prune;
