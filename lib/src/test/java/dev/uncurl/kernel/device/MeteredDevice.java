package dev.uncurl.kernel.device;

import com.sun.jna.Pointer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Counts what is asked of a device, by kind, and times it on request: from an event before each operation to one after it. While the
 * device's queue is not empty, these are the operation and the few microseconds that pass between two kernels. After the host has waited,
 * for a download, the next operations also take what the host needs to queue them.
 */
class MeteredDevice extends WrappedDevice {
    /** Sums over the calls of one kind. */
    static final class Sum {
        long calls;
        double flops;
        double bytes;
        double seconds;
    }

    /** A call that its sum does not have the time of. */
    private record Pending(Sum sum, long start, long end) {}

    /** Null if nothing is timed. */
    private final Stopwatch stopwatch;

    private final List<Pending> pending = new ArrayList<>();
    private final Map<String, Sum> sums = new TreeMap<>();
    private final Map<Long, Long> blocks = new HashMap<>();
    /** Columns and terms of products. */
    private final Set<Integer> sizes = new TreeSet<>();

    private long unaligned;
    private long held;
    private long most;

    /** Counts only. */
    MeteredDevice(Device device) {
        this(device, null);
    }

    /** @param stopwatch of the device */
    MeteredDevice(Device device, Stopwatch stopwatch) {
        super(device);
        this.stopwatch = stopwatch;
    }

    /** The sums so far, by kind; waits for operations that are timed. */
    Map<String, Sum> sums() {
        if (!pending.isEmpty()) {
            device.synchronize();
            pending.forEach(call -> call.sum.seconds += stopwatch.seconds(call.start, call.end));
            forgetEvents();
        }
        return sums;
    }

    long calls(String kind) {
        return sums.containsKey(kind) ? sums.get(kind).calls : 0;
    }

    /** The most bytes that were allocated at a time, from the beginning. */
    long mostBytes() {
        return most;
    }

    /** Products of an operand whose rows are not multiples of 16 bytes apart, which tensor cores read slowly. */
    long unaligned() {
        return unaligned;
    }

    /** The numbers of columns and of terms of products one by one: where they are no multiples of 8, tensor cores are slow. */
    Set<Integer> sizes() {
        return sizes;
    }

    private static boolean isAligned(BatchedProduct.Operand operand, int rows) {
        return rows <= 1 || (long) operand.leading() * Short.BYTES % 16 == 0;
    }

    private void forgetEvents() {
        pending.clear();
        if (stopwatch != null) {
            stopwatch.reset();
        }
    }

    void reset() {
        forgetEvents();
        sums.clear();
        sizes.clear();
        unaligned = 0;
    }

    private long mark() {
        return stopwatch == null ? 0 : stopwatch.mark();
    }

    private void meter(String kind, double flops, double bytes, Runnable operation) {
        long start = mark();
        operation.run();
        meter(kind, flops, bytes, start);
    }

    private void meter(String kind, double flops, double bytes, long start) {
        Sum sum = sums.computeIfAbsent(kind, name -> new Sum());
        sum.calls++;
        sum.flops += flops;
        sum.bytes += bytes;
        if (stopwatch != null) {
            pending.add(new Pending(sum, start, mark()));
        }
    }

    @Override
    public long allocate(long bytes) {
        long address = device.allocate(bytes);
        blocks.put(address, bytes);
        held += bytes;
        most = Math.max(most, held);
        return address;
    }

    @Override
    public void free(long address) {
        device.free(address);
        held -= blocks.remove(address);
    }

    @Override
    public long freeBytes() {
        return device.freeBytes();
    }

    @Override
    public void upload(long target, Pointer source, long bytes) {
        meter("upload", 0, bytes, () -> device.upload(target, source, bytes));
    }

    @Override
    public void download(Pointer target, long source, long bytes) {
        meter("download", 0, bytes, () -> device.download(target, source, bytes));
    }

    @Override
    public void zero(long address, long bytes) {
        meter("zero", 0, bytes, () -> device.zero(address, bytes));
    }

    /** Bytes that a function moves if it reads each operand once: some arguments tell rows and columns. */
    private static double bytes(DeviceFunction function, int gridX, int gridY, Pointer arguments) {
        double row = 4.0 * gridX;
        return switch (function) {
            case GATHER -> (2 + whole(arguments, 0) + half(arguments, 6)) * row * integer(arguments, 5);
            case SCATTER_ADD -> 3 * row * integer(arguments, 5);
            case ROW_DOT -> 2 * row * integer(arguments, 4);
            case ADD_BIAS -> (2 + whole(arguments, 0) + half(arguments, 5)) * row * integer(arguments, 4);
            case COLUMN_SUMS -> 4.0 * integer(arguments, 2) * integer(arguments, 3);
            case NORM_FORWARD -> (2 + half(arguments, 8)) * 4.0 * integer(arguments, 5) * integer(arguments, 6);
            case NORM_BACKWARD -> (4 + half(arguments, 6)) * row * integer(arguments, 5);
            case NORM_BACKWARD_PARAMETERS -> 8.0 * integer(arguments, 5) * integer(arguments, 6);
            case GELU_FORWARD -> (3 + half(arguments, 4)) * row * integer(arguments, 3);
            case GELU_BACKWARD -> (3 + half(arguments, 3)) * row * integer(arguments, 2);
            case CAUSAL_SOFTMAX -> 2 * row * gridY * integer(arguments, 2);
            case CAUSAL_SOFTMAX_BACKWARD -> 3 * row * gridY * integer(arguments, 2);
            case FUSED_ATTENTION -> 4 * attention(arguments, 3, gridY);
            case FUSED_ATTENTION_BF16 -> 3 * attention(arguments, 4, gridY);
            case FUSED_ATTENTION_QUERIES -> 5 * attention(arguments, 5, gridY);
            case FUSED_ATTENTION_QUERIES_BF16 -> 4 * attention(arguments, 7, gridY);
            case FUSED_ATTENTION_KEYS -> 6 * attention(arguments, 5, gridY);
            case FUSED_ATTENTION_KEYS_BF16 -> 5 * attention(arguments, 6, gridY);
            case ROUND_TO_BF16 -> 6.0 * pointer(arguments, 2).getLong(0);
            case PUT_ADDRESSES -> 8.0 * integer(arguments, 2);
            case CROSS_ENTROPY -> (2 + half(arguments, 6)) * row * integer(arguments, 4);
            case CHOOSE_ROWS -> 4.0 * integer(arguments, 6) * integer(arguments, 7);
            case SUM_CHOICES -> 4.0 * integer(arguments, 5) * integer(arguments, 6);
            case SORT_CHOICES -> 24.0 * integer(arguments, 10) * integer(arguments, 11);
            case ROUTER_BACKWARD -> 8.0 * integer(arguments, 9) * integer(arguments, 10);
            case SUM_OF_SQUARES -> 4.0 * pointer(arguments, 1).getLong(0);
            case ADD_RANKS -> 4.0
                    * (integer(arguments, 3) + 1)
                    * pointer(arguments, 4).getLong(0);
            case ADAM_W -> 4 * (7 + half(arguments, 15)) * pointer(arguments, 4).getLong(0);
        };
    }

    /** What reading a matrix in floats takes; 0 for a null address. */
    private static double whole(Pointer arguments, int matrix) {
        return pointer(arguments, matrix).getLong(0) == 0 ? 0 : 1;
    }

    /** What writing a copy in bfloat16 takes of a matrix in floats; 0 for a null address of the copy. */
    private static double half(Pointer arguments, int copy) {
        return pointer(arguments, copy).getLong(0) == 0 ? 0 : 0.5;
    }

    /** Bytes of one of queries, keys and values of all heads, read or written once. */
    private static double attention(Pointer arguments, int at, int heads) {
        return 4.0 * integer(arguments, at) * integer(arguments, at + 2) * heads;
    }

    /** Products of half of the scores; recomputed ones are counted. */
    private static double flops(DeviceFunction function, int gridY, Pointer arguments) {
        return switch (function) {
            case FUSED_ATTENTION -> products(2, arguments, 3, gridY);
            case FUSED_ATTENTION_QUERIES -> products(5, arguments, 5, gridY);
            case FUSED_ATTENTION_KEYS -> products(4, arguments, 5, gridY);
            case FUSED_ATTENTION_BF16 -> products(2, arguments, 4, gridY);
            case FUSED_ATTENTION_QUERIES_BF16 -> products(3, arguments, 7, gridY);
            case FUSED_ATTENTION_KEYS_BF16 -> products(4, arguments, 6, gridY);
            default -> 0;
        };
    }

    /** @param at the argument that is the number of positions */
    private static double products(int count, Pointer arguments, int at, int heads) {
        return count * attention(arguments, at, heads) / 4 * integer(arguments, at);
    }

    private static Pointer pointer(Pointer arguments, int index) {
        return arguments.getPointer((long) index * Long.BYTES);
    }

    private static int integer(Pointer arguments, int index) {
        return pointer(arguments, index).getInt(0);
    }

    @Override
    public void launch(DeviceFunction function, int gridX, int gridY, int threads, Pointer arguments) {
        meter(
                function.symbol(),
                flops(function, gridY, arguments),
                bytes(function, gridX, gridY, arguments),
                () -> device.launch(function, gridX, gridY, threads, arguments));
    }

    @Override
    public boolean multiplyTogether(List<BatchedProduct> products, long addresses) {
        double flops = products.stream().mapToDouble(MeteredDevice::flops).sum();
        double bytes = products.stream().mapToDouble(MeteredDevice::bytes).sum();
        long start = mark();
        boolean done = device.multiplyTogether(products, addresses);
        if (done) {
            unaligned += products.stream().filter(p -> !isAligned(p)).count();
            meter("products, grouped", flops, bytes, start);
        }
        return done;
    }

    @Override
    public void multiply(BatchedProduct p) {
        int longest = Math.max(p.rows(), Math.max(p.columns(), p.inner()));
        boolean exact = p.terms() == BatchedProduct.Terms.EXACT;
        String kind = exact
                ? "product, router"
                : p.count() > 1 ? "product, attention" : longest > 30_000 ? "product, head" : "product, other";
        unaligned += isAligned(p) ? 0 : 1;
        sizes.add(p.columns());
        sizes.add(p.inner());
        meter(kind, flops(p), bytes(p), () -> device.multiply(p));
    }

    private static double flops(BatchedProduct p) {
        return 2.0 * p.rows() * p.columns() * p.inner() * p.count();
    }

    private static double bytes(BatchedProduct p) {
        int width = p.terms() == BatchedProduct.Terms.BF16 ? Short.BYTES : Float.BYTES;
        double bytes = width * ((double) p.rows() * p.inner() + (double) p.inner() * p.columns())
                + (p.beta() == 0 ? 4.0 : 8.0) * p.rows() * p.columns();
        return bytes * p.count();
    }

    private static boolean isAligned(BatchedProduct p) {
        return isAligned(p.a(), p.transposeA() ? p.inner() : p.rows())
                && isAligned(p.b(), p.transposeB() ? p.columns() : p.inner())
                && isAligned(p.c(), p.rows());
    }

    @Override
    public void synchronize() {
        device.synchronize();
    }

    @Override
    public void close() {
        device.close();
    }
}
