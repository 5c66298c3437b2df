package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;

/** A queue of operations of a GPU beside its default stream, in which the kernels run. What is queued here runs while they do. */
final class SideStream implements AutoCloseable {
    /** CU_STREAM_NON_BLOCKING: neither this stream nor the default one waits for the other by itself. */
    private static final int NON_BLOCKING = 1;
    /** CU_EVENT_DISABLE_TIMING */
    private static final int WITHOUT_TIME = 2;

    private final CudaDevice device;
    private final CudaContext context;
    private final long stream;
    private final long before;
    private final long after;

    SideStream(CudaDevice device) {
        this.device = device;
        context = device.context();
        context.enter();
        long[] out = new long[1];
        context.check(CudaStreams.cuStreamCreate(out, NON_BLOCKING), "create a stream");
        stream = out[0];
        context.check(CudaStreams.cuEventCreate(out, WITHOUT_TIME), "create an event");
        before = out[0];
        context.check(CudaStreams.cuEventCreate(out, WITHOUT_TIME), "create an event");
        after = out[0];
    }

    long handle() {
        return stream;
    }

    /** What is queued from now on begins after all operations of the default stream so far. */
    void follow() {
        context.enter();
        context.check(CudaStreams.cuEventRecord(before, 0), "record an event");
        context.check(CudaStreams.cuStreamWaitEvent(stream, before, 0), "wait for an event");
    }

    void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        device.launch(stream, function, gridX, gridY, threads, arguments);
    }

    /** From now on {@link #isDone} asks for what has been queued so far. */
    void mark() {
        context.enter();
        context.check(CudaStreams.cuEventRecord(after, stream), "record an event");
    }

    boolean isDone() {
        context.enter();
        int state = CudaStreams.cuEventQuery(after);
        if (state == CudaStreams.NOT_READY) {
            return false;
        }
        context.check(state, "exchange with other GPUs");
        return true;
    }

    @Override
    public void close() {
        context.enter();
        int first = CudaStreams.cuEventDestroy_v2(before);
        int second = CudaStreams.cuEventDestroy_v2(after);
        int third = CudaStreams.cuStreamDestroy_v2(stream);
        context.check(first, "destroy an event");
        context.check(second, "destroy an event");
        context.check(third, "destroy a stream");
    }
}
