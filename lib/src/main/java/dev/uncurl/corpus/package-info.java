/**
 * The contents of a corpus: documents and examples, the filter of documents ({@link dev.uncurl.corpus.DocumentFilter}),
 * equality of texts ({@link dev.uncurl.corpus.ContentHash}), splits ({@link dev.uncurl.corpus.Split}), the numbers of
 * examples of a mixture ({@link dev.uncurl.corpus.Mixture}), and packing into sequences. Uses tokenizer, error.
 * Subpackages: io (files), row (JSON), task (prompts and metrics), format (parsers).
 */
package dev.uncurl.corpus;
