/**
 * The main class, the demo, and a room for each command with its Spark stages. Data flows through the warehouse: tokenize ->
 * train -> routing -> prune -> evaluate -> report. All commands use cli, warehouse, spark and output. Arrays and
 * arithmetic are lib's; this module moves data between tables, model folders and lib.
 */
package dev.uncurl.jobs;
