package dev.uncurl.kernel;

import org.bytedeco.javacpp.Pointer;

/** Limits of memory outside the Java heap, in bytes, as JavaCPP reports them. */
public final class OffHeap {
    private OffHeap() {}

    /** The limit for this process (system property org.bytedeco.javacpp.maxbytes); 0 for no limit. */
    public static long limit() {
        return Pointer.maxBytes();
    }

    /** Free physical memory of the machine; 0 if unknown. */
    public static long free() {
        return Math.max(0, Pointer.availablePhysicalBytes());
    }
}
