package dev.uncurl.kernel.vector;

import org.bytedeco.javacpp.FloatPointer;

/** A pointer that is moved instead of made anew, for loops over many small blocks of a matrix. */
final class Window extends FloatPointer {
    Window() {
        super((FloatPointer) null);
    }

    /** Makes this point to an element of a matrix, whose memory the caller holds on to. */
    Window to(FloatPointer matrix, long element) {
        address = matrix.address() + element * Float.BYTES;
        return this;
    }
}
