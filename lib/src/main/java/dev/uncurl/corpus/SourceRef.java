package dev.uncurl.corpus;

/**
 * Where a document stands.
 *
 * @param source the file
 * @param offset byte in the decompressed file
 */
public record SourceRef(String source, long offset) {}
