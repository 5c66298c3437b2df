/**
 * What a corpus consists of: documents and examples, which of them are kept ({@link dev.uncurl.corpus.DocumentFilter}), which
 * are equal ({@link dev.uncurl.corpus.ContentHash}), which validate ({@link dev.uncurl.corpus.Split}), how many of each task
 * are taken ({@link dev.uncurl.corpus.Mixture}), and how they are packed into sequences. Uses tokenizer, error. Subpackages:
 * io (files), row (JSON), task (prompts and metrics), format (parsers).
 */
package dev.uncurl.corpus;
