package dev.uncurl.corpus;

/**
 * A unit of a corpus that was refused.
 *
 * @param corpus name of the format or task: cc100, mc4, flan, superglue/boolq
 * @param source the file, as it was opened
 * @param location line, where it is known, and byte in the decompressed file
 * @param reason one of a small set of phrases, to be counted by
 * @param excerpt the beginning of what was refused, or what the decompressor said; at most 200 characters
 */
public record Rejection(String corpus, String source, String location, String reason, String excerpt)
        implements Outcome {
    private static final int EXCERPT = 200;

    public Rejection {
        if (excerpt.length() > EXCERPT) {
            int end = Character.isHighSurrogate(excerpt.charAt(EXCERPT - 1)) ? EXCERPT - 1 : EXCERPT;
            excerpt = excerpt.substring(0, end);
        }
    }

    static Rejection at(String corpus, String source, long line, long offset, String reason, String excerpt) {
        return new Rejection(corpus, source, location(line, offset), reason, excerpt);
    }

    /** @param line 0 where it is not known */
    static String location(long line, long offset) {
        return (line > 0 ? "line " + line + ", " : "") + "byte " + offset;
    }
}
