package dev.uncurl.error;

/** A device has failed in a way after which this process cannot use it any more, such as an error of its memory. */
public final class DeviceFailedException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    public DeviceFailedException(String message) {
        super(message);
    }
}
