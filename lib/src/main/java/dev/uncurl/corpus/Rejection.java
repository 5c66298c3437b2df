package dev.uncurl.corpus;

/**
 * A document or row of a corpus that was refused, or a damaged file, of which the rest was lost.
 *
 * @param scope what was refused: one document or row, or all of the file from this place on
 * @param corpus name of the format or task: cc100, mc4, flan, superglue/boolq
 * @param source the file, as it was opened
 * @param location line, where it is known, and byte in the decompressed file
 * @param reason one of a small set of phrases, to be counted by
 * @param excerpt the beginning of what was refused, or what the decompressor said; at most 200 characters
 */
public record Rejection(Scope scope, String corpus, String source, String location, String reason, String excerpt)
        implements Outcome {
    /** What a rejection is of. */
    public enum Scope {
        /** One document or row. The reader went on behind it. */
        ROW,
        /** A file that is damaged, or cut off: nothing could be read from this place on. */
        FILE
    }

    private static final int EXCERPT = 200;

    public Rejection {
        if (excerpt.length() > EXCERPT) {
            int end = Character.isHighSurrogate(excerpt.charAt(EXCERPT - 1)) ? EXCERPT - 1 : EXCERPT;
            excerpt = excerpt.substring(0, end);
        }
    }

    public static Rejection at(String corpus, String source, long line, long offset, String reason, String excerpt) {
        return new Rejection(Scope.ROW, corpus, source, location(line, offset), reason, excerpt);
    }

    /** The same place and reason, of the rest of the file. */
    public Rejection ofFile() {
        return new Rejection(Scope.FILE, corpus, source, location, reason, excerpt);
    }

    /** @param line 0 where it is not known */
    public static String location(long line, long offset) {
        return (line > 0 ? "line " + line + ", " : "") + "byte " + offset;
    }
}
