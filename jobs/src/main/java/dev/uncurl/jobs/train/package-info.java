/**
 * The pretrain and finetune commands: train a model on a corpus in rounds, with checkpoints and validation. Input: corpus
 * tables and a configuration; output: a model folder, its row of {@code models.registry}, and {@code training.metrics}. Uses
 * evaluate (the score after training), cli, warehouse, spark, output.
 */
package dev.uncurl.jobs.train;
