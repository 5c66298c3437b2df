/**
 * The verify command: compares models and routing statistics with what they were made from. Uses prune and routing
 * (the checks of what they write), cli, warehouse.
 */
package dev.uncurl.jobs.verify;
