/**
 * The verify command: compares models and routing statistics with what they were made from, and looks at the executors of a
 * cluster. Uses prune and routing (the checks of what they write), cluster (those of executors), cli, warehouse, output.
 */
package dev.uncurl.jobs.verify;
