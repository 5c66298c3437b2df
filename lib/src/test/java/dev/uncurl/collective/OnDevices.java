package dev.uncurl.collective;

import dev.uncurl.exchange.DeviceExchange;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.EmulatedGpu;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Ranks whose ranges are copied to emulated GPUs, exchanged there, and copied back, so that {@link DeviceExchange} can be held to the contract of
 * {@link Collectives}. Everything else is of the ranks on the host.
 */
final class OnDevices implements Collectives {
    /** Elements before a range in the memory of a GPU. */
    private static final int MARGIN = 5;

    /** What the groups of a rank share. */
    private record Place(Processor processor, Kernels kernels, DeviceExchanges exchanges) {}

    private final Collectives host;
    /** The same ranks, for exchanges between GPUs. */
    private final Collectives control;

    private final Place place;
    private final boolean wholeRun;
    private boolean closed;

    private OnDevices(Collectives host, Collectives control, Place place, boolean wholeRun) {
        this.host = host;
        this.control = control;
        this.place = place;
        this.wholeRun = wholeRun;
    }

    static List<Collectives> open(int size, Duration deadline) throws Exception {
        EmulatedGpu.machine(size);
        var threads = Executors.newFixedThreadPool(size);
        try {
            List<Callable<Collectives>> opening = Loopback.ranks(size, deadline).stream()
                    .<Callable<Collectives>>map(host -> () -> open(host, deadline))
                    .toList();
            var ranks = new ArrayList<Collectives>();
            for (var one : threads.invokeAll(opening)) {
                ranks.add(one.get());
            }
            return ranks;
        } finally {
            threads.shutdown();
        }
    }

    private static Collectives open(Collectives host, Duration deadline) {
        Collectives control = host.group(IntStream.range(0, host.size()).toArray());
        Processor processor = EmulatedGpu.open(host.rank()).processor();
        var exchanges = DeviceExchanges.agree(NcclChoice.REQUIRED, processor, control, deadline);
        return new OnDevices(
                host, control, new Place(processor, processor.kernels(DataType.FLOAT, 1), exchanges), true);
    }

    /** With one rank there is no other GPU to exchange with. */
    private boolean alone() {
        return !place.exchanges.direct();
    }

    private DeviceExchange exchange() {
        return place.exchanges.of(control);
    }

    /** The exchanges of a step end in sums over all ranks: nobody ends while others are at work. */
    private void on(FloatRange values, Consumer<FlatMemory> operation) {
        try (FlatMemory memory = copy(values)) {
            operation.accept(memory);
            exchange().finish();
            float[] result = new float[(int) values.length()];
            memory.read(MARGIN, result, result.length);
            FlatMemory.of(values.array()).write(values.from(), result, result.length);
        }
        host.barrier();
    }

    private FlatMemory copy(FloatRange values) {
        float[] all = new float[(int) values.length()];
        FlatMemory.of(values.array()).read(values.from(), all, all.length);
        FlatMemory memory = place.kernels.allocate(DataType.FLOAT, MARGIN + values.length());
        memory.write(MARGIN, all, all.length);
        return memory;
    }

    @Override
    public int rank() {
        return host.rank();
    }

    @Override
    public int size() {
        return host.size();
    }

    @Override
    public void at(String text) {
        host.at(text);
    }

    @Override
    public void reduceScatter(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size());
        if (alone()) {
            host.reduceScatter(values, bounds);
            return;
        }
        on(values, memory -> exchange().reduceScatter(memory, MARGIN, bounds));
    }

    @Override
    public void allGather(FloatRange values, long[] bounds) {
        Bounds.check(bounds, values.length(), size());
        if (alone()) {
            host.allGather(values, bounds);
            return;
        }
        on(values, memory -> exchange().allGather(memory, MARGIN, bounds));
    }

    @Override
    public void allToAll(FloatRange send, long[] sendCounts, FloatRange receive, long[] receiveCounts) {
        Arguments.checkParts(send, sendCounts, receive, receiveCounts, size());
        if (alone()) {
            host.allToAll(send, sendCounts, receive, receiveCounts);
            return;
        }
        try (FlatMemory out = copy(send)) {
            Matrix source = out.matrix(MARGIN, 1, (int) send.length());
            on(receive, in -> exchange()
                    .allToAll(source, sendCounts, in.matrix(MARGIN, 1, (int) receive.length()), receiveCounts));
        }
    }

    @Override
    public void broadcast(FloatRange values, int root) {
        Arguments.checkRoot(root, size());
        if (alone()) {
            host.broadcast(values, root);
            return;
        }
        on(values, memory -> exchange().broadcast(memory, MARGIN, values.length(), root));
    }

    @Override
    public double[] sum(double[] values) {
        return host.sum(values);
    }

    @Override
    public long[][] gather(long[] values) {
        return host.gather(values);
    }

    @Override
    public void barrier() {
        host.barrier();
    }

    @Override
    public Collectives group(int[] ranks) {
        Collectives group = host.group(ranks);
        return new OnDevices(group, group, place, false);
    }

    @Override
    public ExchangeCost cost() {
        return new ExchangeCost(host.cost().waitNanos(), host.cost().bytes() + place.exchanges.bytes());
    }

    @Override
    public void close() {
        if (wholeRun && !closed) {
            closed = true;
            place.exchanges.close();
            place.kernels.close();
            place.processor.close();
            host.close();
        }
    }
}
