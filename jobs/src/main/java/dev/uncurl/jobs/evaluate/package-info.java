/**
 * The evaluate command: scores models on tasks and held-out text, and writes {@code evaluation.*}. Uses cli, warehouse,
 * cluster, spark, output.
 */
package dev.uncurl.jobs.evaluate;
