package dev.uncurl.kernel.device;

/** An exchange between devices has been given up: another rank did not take part in time, or NCCL has lost it. */
public final class ExchangeStoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ExchangeStoppedException(String message) {
        super(message);
    }
}
