/**
 * The export command: a sweep as runs of a tracking server that speaks MLflow's REST API. Reads tables, writes none. Uses cli,
 * warehouse.
 */
package dev.uncurl.jobs.export;
