package dev.uncurl.corpus;

/**
 * A rejected document or row of a corpus, or a damaged file whose remaining part was lost.
 *
 * @param scope what was rejected: one document or row, or the rest of the file from this location on
 * @param corpus name of the format or task: cc100, mc4, flan, superglue/boolq
 * @param source path of the file, as it was opened
 * @param location line, if known, and byte in the decompressed file
 * @param reason one of a small set of phrases, so that it can be used as a key of counts
 * @param excerpt the beginning of the rejected text, or the message of the decompressor; at most 200 characters
 */
public record Rejection(Scope scope, String corpus, String source, String location, String reason, String excerpt)
        implements Outcome {
    /** The extent of a rejection. */
    public enum Scope {
        /** One document or row. The reader continued after it. */
        ROW,
        /** A damaged or truncated file: nothing after this location could be read. */
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

    /** A rejection of the rest of the file, with the same location and reason. */
    public Rejection ofFile() {
        return new Rejection(Scope.FILE, corpus, source, location, reason, excerpt);
    }

    /** @param line 0 if unknown */
    public static String location(long line, long offset) {
        return (line > 0 ? "line " + line + ", " : "") + "byte " + offset;
    }
}
