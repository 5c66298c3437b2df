package dev.uncurl.kernel;

import org.bytedeco.javacpp.Pointer;

/** Bytes beside the Java heap, as JavaCPP knows them. */
public final class OffHeap {
    private OffHeap() {}

    /** What this process may take: system property org.bytedeco.javacpp.maxbytes; 0 for no limit. */
    public static long limit() {
        return Pointer.maxBytes();
    }

    /** What the machine has left; 0 when it does not say. */
    public static long free() {
        return Math.max(0, Pointer.availablePhysicalBytes());
    }
}
