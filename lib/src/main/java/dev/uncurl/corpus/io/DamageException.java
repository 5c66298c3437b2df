package dev.uncurl.corpus.io;

import java.io.IOException;

/** Compressed data that cannot be decompressed from some place on. */
public final class DamageException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String reason;
    private final long fileOffset;

    /** @param reason phrase for the rejection; @param fileOffset byte in the compressed file, about */
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
