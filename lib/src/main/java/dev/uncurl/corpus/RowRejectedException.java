package dev.uncurl.corpus;

/** A row that is refused; the message is the reason. */
final class RowRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    RowRejectedException(String reason) {
        super(reason, null, false, false);
    }
}
