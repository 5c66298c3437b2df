package dev.uncurl.corpus;

/**
 * A file of a corpus.
 *
 * @param path its whole path, with the file system's scheme
 * @param bytes its size as it stands, compressed or not
 * @param modified when it was last changed, milliseconds since 1970, as the file system tells
 */
public record CorpusFile(String path, long bytes, long modified) {}
