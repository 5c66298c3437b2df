package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;
import java.nio.ByteBuffer;

/** A transfer that this rank expects, and where its floats go. */
final class Incoming {
    private final Operation operation;
    private final FloatRange target;
    private long missing;
    private boolean complete;
    private boolean cancelled;

    Incoming(Operation operation, FloatRange target) {
        this.operation = operation;
        this.target = target;
        this.missing = bytes();
    }

    Operation operation() {
        return operation;
    }

    long bytes() {
        return target.length() * Float.BYTES;
    }

    /** The memory of a part of the transfer. */
    ByteBuffer window(long offset, long bytes) {
        return target.window(offset / Float.BYTES, Math.toIntExact(bytes / Float.BYTES));
    }

    /** Copies a whole transfer. */
    synchronized void fill(ByteBuffer body) {
        for (long start = 0; !cancelled && start < target.length(); start += FloatRange.WINDOW) {
            ByteBuffer window = target.window(start, target.windowAt(start));
            window.put(body.slice().limit(window.remaining()));
            body.position(body.position() + window.limit());
        }
        complete = true;
    }

    /** Copies bytes into a {@link #window}, unless nobody waits for them any more. */
    synchronized void put(ByteBuffer window, ByteBuffer bytes) {
        if (cancelled) {
            bytes.position(bytes.limit());
        } else {
            window.put(bytes);
        }
    }

    /** A piece of this many bytes has arrived. */
    synchronized void arrived(long bytes) {
        missing -= bytes;
        complete = missing == 0;
    }

    /** Whether all has come. A transfer of nothing comes too. */
    synchronized boolean complete() {
        return complete;
    }

    /** From now on the memory is left alone. */
    synchronized void cancel() {
        cancelled = true;
    }
}
