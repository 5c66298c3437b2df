package dev.uncurl.error;

/**
 * A request that cannot be fulfilled. The message has two lines: what is wrong (the thing, its value, its place) and
 * what to do about it. Thrown before any work is done, or at least before any output is visible.
 */
public final class UserError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why a request is refused; determines the exit code of the process. */
    public enum Kind {
        /** The command line or a configuration is wrong. */
        USAGE(2),
        /** An input is missing, damaged or does not fit. */
        INPUT(3),
        /** More inputs were rejected than the ceiling allows. */
        REJECTIONS(4),
        /** The output exists with other settings, or another run holds it. */
        CONFLICT(5),
        /** Training diverged: non-finite or spiking loss. */
        DIVERGED(6);

        private final int exitCode;

        Kind(int exitCode) {
            this.exitCode = exitCode;
        }

        public int exitCode() {
            return exitCode;
        }
    }

    private final Kind kind;
    private final String what;
    private final String remedy;
    private final boolean held;

    private UserError(Kind kind, String what, String remedy, Throwable cause) {
        this(kind, what, remedy, false, cause);
    }

    private UserError(Kind kind, String what, String remedy, boolean held, Throwable cause) {
        super(what + "\n  " + remedy, cause);
        this.kind = kind;
        this.what = what;
        this.remedy = remedy;
        this.held = held;
    }

    /** The same error with its place: {@code place} is prefixed to what is wrong. */
    public UserError at(String place) {
        return new UserError(kind, place + ": " + what, remedy, held, this);
    }

    /** @param what the thing, its value and its place; @param remedy what the user can do */
    public static UserError usage(String what, String remedy) {
        return new UserError(Kind.USAGE, what, remedy, null);
    }

    public static UserError usage(String what, String remedy, Throwable cause) {
        return new UserError(Kind.USAGE, what, remedy, cause);
    }

    public static UserError input(String what, String remedy) {
        return new UserError(Kind.INPUT, what, remedy, null);
    }

    public static UserError input(String what, String remedy, Throwable cause) {
        return new UserError(Kind.INPUT, what, remedy, cause);
    }

    public static UserError rejections(String what, String remedy) {
        return new UserError(Kind.REJECTIONS, what, remedy, null);
    }

    public static UserError conflict(String what, String remedy) {
        return new UserError(Kind.CONFLICT, what, remedy, null);
    }

    /** A conflict that ends by itself: another run has the output now. */
    public static UserError held(String what, String remedy) {
        return new UserError(Kind.CONFLICT, what, remedy, true, null);
    }

    public static UserError diverged(String what, String remedy) {
        return new UserError(Kind.DIVERGED, what, remedy, null);
    }

    public Kind kind() {
        return kind;
    }

    /** Whether another run has the output now, so that the same request may be fulfilled later. */
    public boolean isHeld() {
        return held;
    }
}
