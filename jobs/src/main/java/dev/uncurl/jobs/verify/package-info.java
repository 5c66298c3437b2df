/**
 * The verify command: checks models, plans and routing statistics against what they were made from. Uses prune and routing
 * (the checks of what they write), cli, warehouse.
 */
package dev.uncurl.jobs.verify;
