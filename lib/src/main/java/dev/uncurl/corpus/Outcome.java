package dev.uncurl.corpus;

/**
 * What became of a document or row of a corpus. Each that a file holds gives exactly one, but for rows that hold several
 * examples, as MultiRC's: such a row gives all of its examples, or one rejection and no example.
 */
public sealed interface Outcome permits Document, Example, Rejection {}
