package dev.uncurl.corpus;

/** A row that is refused; the message is the reason. */
final class RowRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final boolean incomplete;

    RowRejectedException(String reason) {
        this(reason, false);
    }

    /** @param incomplete whether the row would go on: if no line end stands behind it, its file is cut off */
    RowRejectedException(String reason, boolean incomplete) {
        super(reason, null, false, false);
        this.incomplete = incomplete;
    }

    boolean incomplete() {
        return incomplete;
    }
}
