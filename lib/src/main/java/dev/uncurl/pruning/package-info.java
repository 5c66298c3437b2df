/** Fewer experts: plans (clustering and rivals) from routing evidence; alignment, merging and router rules on weights. Uses clustering, routing, checkpoint, model, kernel, config, error. */
package dev.uncurl.pruning;
