package dev.uncurl.corpus.io;

/**
 * A file of a corpus.
 *
 * @param path its whole path, with the file system's scheme
 * @param bytes its size on disk, compressed or not
 */
public record CorpusFile(String path, long bytes) {}
