package dev.uncurl.jobs.report;

/** What the 95% interval of a difference says about the subject and its baseline. */
enum Verdict {
    BETTER("better"),
    /** The interval has 0 in it. This is not equality: see {@link Compared#worstCase}. */
    WITHIN_NOISE("within noise"),
    WORSE("worse");

    private final String words;

    Verdict(String words) {
        this.words = words;
    }

    String words() {
        return words;
    }
}
