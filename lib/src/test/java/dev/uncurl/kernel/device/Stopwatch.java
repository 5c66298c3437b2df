package dev.uncurl.kernel.device;

import com.sun.jna.NativeLibrary;
import java.util.ArrayList;
import java.util.List;

/** Times operations of a GPU by events in its default stream: nothing waits for them. */
final class Stopwatch implements AutoCloseable {
    private final CudaContext context;
    private final NativeLibrary driver;
    /** All that have been created; those from {@link #used} on are free. */
    private final List<Long> events = new ArrayList<>();

    private int used;

    /** @param driver of the device */
    Stopwatch(CudaDevice device, NativeLibrary driver) {
        CudaStreams.bind(driver);
        context = device.context();
        this.driver = driver;
    }

    /** An event, which happens when all operations so far are done. */
    long mark() {
        context.enter();
        if (used == events.size()) {
            long[] out = new long[1];
            context.check(CudaStreams.cuEventCreate(out, 0), "create an event");
            events.add(out[0]);
        }
        long event = events.get(used++);
        context.check(CudaStreams.cuEventRecord(event, 0), "record an event");
        return event;
    }

    /** Between two events that have happened. */
    double seconds(long start, long end) {
        context.enter();
        float[] milliseconds = new float[1];
        int error = driver.getFunction("cuEventElapsedTime").invokeInt(new Object[] {milliseconds, start, end});
        context.check(error, "time between events");
        return milliseconds[0] / 1e3;
    }

    /** Forgets all events; later ones may have their handles. */
    void reset() {
        used = 0;
    }

    /** To be called before the device is closed. */
    @Override
    public void close() {
        context.enter();
        for (long event : events) {
            context.check(CudaStreams.cuEventDestroy_v2(event), "destroy an event");
        }
        events.clear();
        reset();
    }
}
