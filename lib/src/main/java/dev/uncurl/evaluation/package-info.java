/** Tasks, prompts, scoring of choices, metrics, latency. Uses tokenizer, model, config, error. */
package dev.uncurl.evaluation;
