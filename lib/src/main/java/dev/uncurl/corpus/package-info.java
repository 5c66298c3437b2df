/** Readers of corpora as their publishers ship them, and packing into sequences. Uses tokenizer, error. */
package dev.uncurl.corpus;
