package dev.uncurl.kernel.vector;

import org.bytedeco.javacpp.FloatPointer;

/** A reusable pointer, for loops over many small blocks of a matrix. */
final class Window extends FloatPointer {
    Window() {
        super((FloatPointer) null);
    }

    /** Points to an element of a matrix, whose memory the caller must keep alive. */
    Window to(FloatPointer matrix, long element) {
        address = matrix.address() + element * Float.BYTES;
        return this;
    }
}
