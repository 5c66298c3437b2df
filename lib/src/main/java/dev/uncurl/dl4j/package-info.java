/**
 * The seam to Deeplearning4j: the model as one output layer, AdamW as its updater, and training steps taken through them.
 * Uses model, kernel, config, error.
 */
package dev.uncurl.dl4j;
