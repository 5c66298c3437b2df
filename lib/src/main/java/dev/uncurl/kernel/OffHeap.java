package dev.uncurl.kernel;

import org.bytedeco.javacpp.Pointer;

/** Limits of memory in bytes: outside the Java heap as JavaCPP reports them, and of the heap, which a process takes besides. */
public final class OffHeap {
    private OffHeap() {}

    /** The limit for this process (system property org.bytedeco.javacpp.maxbytes); 0 for no limit. */
    public static long limit() {
        return Pointer.maxBytes();
    }

    /** The most that the Java heap of this process may take (-Xmx). */
    public static long heap() {
        return Runtime.getRuntime().maxMemory();
    }

    /** Free physical memory of the machine; 0 if unknown. */
    public static long free() {
        return Math.max(0, Pointer.availablePhysicalBytes());
    }
}
