package dev.uncurl.corpus.row;

/** A row that is refused; the message is the reason. */
public final class RowRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean incomplete;

    public RowRejectedException(String reason) {
        this(reason, false);
    }

    /** @param incomplete whether the row would go on: if no line end stands behind it, its file is cut off */
    public RowRejectedException(String reason, boolean incomplete) {
        super(reason, null, false, false);
        this.incomplete = incomplete;
    }

    public boolean incomplete() {
        return incomplete;
    }
}
