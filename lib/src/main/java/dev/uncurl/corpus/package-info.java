/**
 * Readers of corpora as their publishers ship them, and packing into sequences. {@link dev.uncurl.corpus.CorpusListing}
 * finds files, {@link dev.uncurl.corpus.CorpusFiles} opens them, {@link dev.uncurl.corpus.PartHash} makes sure that what
 * was read is what was hashed, {@link dev.uncurl.corpus.CorpusFormat} says how one, or a part of one, is read,
 * {@link dev.uncurl.corpus.CorpusReader} gives its outcomes; {@link dev.uncurl.corpus.TaskDefinition} holds a task's
 * prompt. {@link dev.uncurl.corpus.DocumentFilter} says which documents are kept, {@link dev.uncurl.corpus.ContentHash}
 * which are the same, {@link dev.uncurl.corpus.Split} which validate, {@link dev.uncurl.corpus.Mixture} how many
 * examples of each task are taken. Uses tokenizer, error.
 */
package dev.uncurl.corpus;
