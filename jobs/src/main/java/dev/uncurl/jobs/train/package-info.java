/**
 * The pretrain and finetune commands: train a model on a corpus in synchronous steps, with checkpoints and validation. Input: corpus
 * tables and a configuration; output: a model folder, its row of {@code models.registry}, and {@code training.metrics}. Uses
 * evaluate (the score after training), cli, warehouse, cluster, spark, output.
 */
package dev.uncurl.jobs.train;
