/**
 * Parsers of corpus files: {@link dev.uncurl.corpus.format.CorpusFormat} names the formats, {@link
 * dev.uncurl.corpus.format.CorpusReader} returns documents, examples and rejections one by one. Uses corpus.io,
 * corpus.row, corpus.task, corpus, error.
 */
package dev.uncurl.corpus.format;
