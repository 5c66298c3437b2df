package dev.uncurl.corpus.io;

import java.io.IOException;

/** Damaged compressed data: nothing after some byte can be decompressed. */
public final class DamageException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String reason;
    private final long fileOffset;

    /**
     * @param reason phrase for the rejection
     * @param detail message of the exception
     * @param fileOffset approximate byte in the compressed file
     */
    public DamageException(String reason, String detail, long fileOffset) {
        super(detail);
        this.reason = reason;
        this.fileOffset = fileOffset;
    }

    public String reason() {
        return reason;
    }

    public long fileOffset() {
        return fileOffset;
    }
}
