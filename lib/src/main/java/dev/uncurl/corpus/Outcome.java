package dev.uncurl.corpus;

/** What became of one unit of a corpus: each document or row that a file holds gives exactly one. */
public sealed interface Outcome permits Document, Example, Rejection {}
