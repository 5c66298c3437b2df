package dev.uncurl.corpus.row;

/** Thrown for a rejected row; the message is the reason. */
public final class RowRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean incomplete;

    public RowRejectedException(String reason) {
        this(reason, false);
    }

    /** @param incomplete whether the row looks truncated: if it also has no line end, the file is truncated */
    public RowRejectedException(String reason, boolean incomplete) {
        super(reason, null, false, false);
        this.incomplete = incomplete;
    }

    public boolean incomplete() {
        return incomplete;
    }
}
