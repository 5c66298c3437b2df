package dev.uncurl.corpus;

/**
 * Running text to train on.
 *
 * @param source path of the file, as it was opened
 * @param offset byte of the decompressed file, from 0, at which the document or its row begins
 * @param line number of the line that begins there, from 1; 0 if unknown because only a part of the file was read
 * @param text the text of the file, with line ends as {@code \n}; never empty
 */
public record Document(String source, long offset, long line, String text) implements Outcome {}
