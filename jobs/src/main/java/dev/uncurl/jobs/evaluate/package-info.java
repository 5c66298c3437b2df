/**
 * The evaluate command: scores models on tasks and held-out text, and writes {@code evaluation.*}. Uses cli, warehouse,
 * spark, output.
 */
package dev.uncurl.jobs.evaluate;
