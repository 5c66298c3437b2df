package dev.uncurl.corpus;

/**
 * Running text to train on.
 *
 * @param source the file, as it was opened
 * @param offset where the document or its row begins: byte in the decompressed file, from 0
 * @param line the line that begins there, from 1; 0 where a part of a file was read and it is not known
 * @param text the text as it stands in the file, line ends as {@code \n}; never empty
 */
public record Document(String source, long offset, long line, String text) implements Outcome {}
