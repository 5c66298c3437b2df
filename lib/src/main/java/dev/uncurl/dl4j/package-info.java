/**
 * Integration with Deeplearning4j: the model as one output layer, AdamW as an updater, and training steps with both.
 * Uses model, exchange, collective, processor, kernel, config, error.
 */
package dev.uncurl.dl4j;
