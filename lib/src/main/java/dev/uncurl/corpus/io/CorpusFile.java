package dev.uncurl.corpus.io;

/**
 * A file of a corpus.
 *
 * @param path its full path, with the scheme of the file system
 * @param bytes its size on disk, compressed or not
 */
public record CorpusFile(String path, long bytes) {}
