/**
 * Readers of corpora as their publishers ship them, and packing into sequences. {@link dev.uncurl.corpus.CorpusFiles}
 * finds and opens files, {@link dev.uncurl.corpus.CorpusFormat} says how one is read,
 * {@link dev.uncurl.corpus.CorpusReader} gives its outcomes; {@link dev.uncurl.corpus.TaskDefinition} holds a task's
 * prompt. Uses tokenizer, error.
 */
package dev.uncurl.corpus;
