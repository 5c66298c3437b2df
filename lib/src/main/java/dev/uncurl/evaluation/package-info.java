/** Scores of examples by a model, metrics with standard errors, the unigram baseline, latency. Uses model, error. */
package dev.uncurl.evaluation;
