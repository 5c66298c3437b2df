package dev.uncurl.jobs.cluster;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What precedes the payload of a message.
 *
 * @param run which stage and attempt the sender belongs to
 * @param offset in bytes, of this payload in the transfer
 * @param total bytes of the transfer
 */
record Header(Kind kind, long run, Operation operation, Tag tag, long offset, long total) {
    /** What a message is for. */
    enum Kind {
        /** The first on a connection: who the sender is. */
        HELLO,
        /** A whole transfer. */
        SMALL,
        /** A part of a large transfer, which its receiver has asked for. */
        PIECE,
        /** The receiver of a large transfer is ready for it; the tag names the sender of the transfer. */
        READY,
        /** Asks for whom the receiver waits. */
        STATUS,
        /** The run has failed; the payload is a {@link Loss}. */
        FAILED,
        /** The sender has closed its side. */
        LEAVING
    }

    static final int BYTES = 1 + 8 + 1 + 8 + 8 + 4 + 4 + 8 + 8;

    /** A message about no transfer. */
    static Header plain(Kind kind, long run, int sender) {
        return new Header(kind, run, Operation.BARRIER, new Tag(0, 0, 0, sender), 0, 0);
    }

    /** This header with room for {@code payload} bytes after it; the position is behind the header. */
    ByteBuffer message(int payload) {
        return buffer(BYTES + payload)
                .put((byte) kind.ordinal())
                .putLong(run)
                .put((byte) operation.ordinal())
                .putLong(tag.group())
                .putLong(tag.sequence())
                .putInt(tag.step())
                .putInt(tag.sender())
                .putLong(offset)
                .putLong(total);
    }

    /** Reads a header; the position of the message is then at its payload, in native byte order. */
    static Header read(ByteBuffer message) {
        if (message.remaining() < BYTES) {
            throw new IllegalArgumentException("A message of " + message.remaining() + " bytes is not of a rank");
        }
        message.order(ByteOrder.nativeOrder());
        int kind = message.get();
        if (kind < 0 || kind >= Kind.values().length) {
            throw new IllegalArgumentException("No kind of message has the number " + kind);
        }
        return new Header(
                Kind.values()[kind],
                message.getLong(),
                Operation.of(message.get()),
                new Tag(message.getLong(), message.getLong(), message.getInt(), message.getInt()),
                message.getLong(),
                message.getLong());
    }

    /** On the Java heap, in native byte order: a rank of another order has another run and is refused. */
    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }
}
