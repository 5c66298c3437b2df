/** The seam to Deeplearning4j: the model as one output layer, AdamW as its updater. Uses model, kernel, config, error. */
package dev.uncurl.dl4j;
