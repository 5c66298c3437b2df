package dev.uncurl.corpus;

/**
 * The location of a document.
 *
 * @param source the file
 * @param offset byte in the decompressed file
 */
public record SourceRef(String source, long offset) {}
