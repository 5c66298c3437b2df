package dev.uncurl.corpus;

/**
 * The result of reading one document or row of a corpus. Each document or row gives exactly one outcome, except rows
 * with several examples, such as those of MultiRC: such a row gives all of its examples, or one rejection and no
 * example.
 */
public sealed interface Outcome permits Document, Example, Rejection {}
