/**
 * Pruning of experts: plans from routing statistics (UNCURL and other methods); alignment, merging and router rules on weights.
 * Uses clustering, routing, checkpoint, model, kernel, config, error.
 */
package dev.uncurl.pruning;
