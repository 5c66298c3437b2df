package dev.uncurl.kernel.device;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.Routing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** {@link Routing} on a device: a thread for each token, and one download a batch, of sums. */
final class DeviceRouting implements Routing {
    /** Tokens of a block of threads, ROUTED of {@code kernels.cu}. */
    private static final int ROUTED = 128;

    private final Device device;
    private final Launch launch;
    private final Staging staging;
    private final Shape shape;
    private final List<DeviceScratch> scratch = new ArrayList<>();
    private final FlatMemory logits;
    private final long expertOfRow;
    private final DeviceScratch padding;
    /** [N, k] router rows, and in doubles the shares of their gates. */
    private final long chosen;

    private final long shares;
    /** [N, 2] in doubles: logsumexp of all rows, and of those that lead to experts. */
    private final long sums;

    private final DeviceScratch partial;
    private final DeviceScratch places;
    /** [k, N] slots of the choices, and their gates. */
    private final long slots;

    private final long factors;
    /** [S] tokens of the slots, and their gates. */
    private final long slotToken;

    private final long slotGate;
    /** [S] squared norms of the outputs, in doubles. */
    private final long norms;

    private final DeviceScratch dots;
    private final DeviceScratch slopes;
    private double[] ofBlocks = {};
    private int tokens;
    private int slotCount;

    DeviceRouting(Device device, Launch launch, Staging staging, Shape shape) {
        this.device = device;
        this.launch = launch;
        this.staging = staging;
        this.shape = shape;
        int all = shape.maxTokens() * shape.choices();
        logits = new DeviceMemory(device, staging, (long) shape.maxTokens() * shape.rows());
        expertOfRow = scratch().put(shape.expertOfRow(), 0, shape.rows());
        padding = sized(shape.maxTokens(), Integer.BYTES);
        chosen = room(all, Integer.BYTES);
        shares = room(all, Double.BYTES);
        sums = room(2 * shape.maxTokens(), Double.BYTES);
        int mostBlocks = (shape.maxTokens() + ROUTED - 1) / ROUTED;
        partial = sized(mostBlocks * width(), Double.BYTES);
        places = sized((mostBlocks + 1) * places() + shape.experts() + 1, Integer.BYTES);
        slots = room(all, Integer.BYTES);
        factors = room(all, Float.BYTES);
        slotToken = room(all, Integer.BYTES);
        slotGate = room(all, Float.BYTES);
        norms = room(all, Double.BYTES);
        dots = sized(all, Double.BYTES);
        slopes = sized(shape.rows() + 1, Float.BYTES);
    }

    private DeviceScratch scratch() {
        var block = new DeviceScratch(device, staging);
        scratch.add(block);
        return block;
    }

    private DeviceScratch sized(int elements, int bytes) {
        var block = scratch();
        block.reserve((long) elements * bytes);
        return block;
    }

    private long room(int elements, int bytes) {
        return sized(elements, bytes).reserve(0);
    }

    private int blocks() {
        return (tokens + ROUTED - 1) / ROUTED;
    }

    /** [k, E] */
    private int places() {
        return shape.choices() * shape.experts();
    }

    /** Sums of a block: of finite rows and squares, of rows' choices and probabilities, and of places. */
    private int width() {
        return 2 + 2 * shape.rows() + places();
    }

    private void run(DeviceFunction function) {
        launch.run(function, blocks(), 1, ROUTED);
    }

    @Override
    public Matrix logits(int count) {
        tokens = count;
        return logits.matrix(0, count, shape.rows());
    }

    @Override
    public Sums choose(int[] ids) {
        launch.with(logits.matrix(0, tokens, shape.rows()))
                .with(ids == null ? 0L : padding.put(ids, 0, tokens))
                .with(expertOfRow)
                .with(chosen)
                .with(shares)
                .with(sums)
                .with(tokens)
                .with(shape.rows())
                .with(shape.choices())
                .with(shape.renormalize() ? 1 : 0);
        run(DeviceFunction.CHOOSE_ROWS);
        int width = width();
        int length = Math.multiplyExact(blocks(), width);
        launch.with(logits.matrix(0, tokens, shape.rows()))
                .with(expertOfRow)
                .with(chosen)
                .with(sums)
                .with(partial.reserve((long) length * Double.BYTES))
                .with(tokens)
                .with(shape.rows())
                .with(shape.choices())
                .with(shape.experts());
        run(DeviceFunction.SUM_CHOICES);
        if (ofBlocks.length < length) {
            ofBlocks = new double[length];
        }
        partial.get(ofBlocks, 0, length);
        return sums(width);
    }

    private Sums sums(int width) {
        double[] all = new double[width];
        for (int block = 0; block < blocks(); block++) {
            for (int i = 0; i < width; i++) {
                all[i] += ofBlocks[block * width + i];
            }
        }
        int rows = shape.rows();
        int[] counts = new int[rows];
        for (int row = 0; row < rows; row++) {
            counts[row] = (int) all[2 + row];
        }
        return new Sums(
                all[0] == 0,
                all[1],
                counts,
                Arrays.copyOfRange(all, 2 + rows, 2 + 2 * rows),
                Arrays.copyOfRange(all, 2 + 2 * rows, width));
    }

    @Override
    public void sort(int[] kept, int[] start) {
        int width = width();
        int before = blocks() * places();
        int[] all = new int[before + kept.length + start.length];
        for (int block = 1; block < blocks(); block++) {
            for (int place = 0; place < places(); place++) {
                int counted = (int) ofBlocks[block * width - places() + place];
                all[block * places() + place] = all[(block - 1) * places() + place] + counted;
            }
        }
        System.arraycopy(kept, 0, all, before, kept.length);
        System.arraycopy(start, 0, all, before + kept.length, start.length);
        slotCount = start[shape.experts()];
        long address = places.put(all, 0, all.length);
        launch.with(expertOfRow)
                .with(chosen)
                .with(shares)
                .with(address)
                .with(address + (long) before * Integer.BYTES)
                .with(address + (long) (before + kept.length) * Integer.BYTES)
                .with(slots)
                .with(factors)
                .with(slotToken)
                .with(slotGate)
                .with(tokens)
                .with(shape.choices())
                .with(shape.experts());
        run(DeviceFunction.SORT_CHOICES);
    }

    /** @param operand whether products take the target */
    private void gather(Matrix base, Matrix source, long index, long scales, Matrix target, boolean operand) {
        launch.with(base)
                .with(source)
                .with(index)
                .with(scales)
                .writes(target)
                .with(target.columns())
                .twin(operand ? target : null)
                .rows(DeviceFunction.GATHER, target.rows(), target.columns());
    }

    private void dot(Matrix a, long index, Matrix b, long products) {
        launch.with(a)
                .with(index)
                .with(b)
                .with(products)
                .with(b.columns())
                .rows(DeviceFunction.ROW_DOT, slotCount, b.columns());
    }

    /** Of the [k, N] slots or factors of a choice, each of 4 bytes. */
    private long ofChoice(long address, int choice) {
        return address + (long) choice * tokens * Integer.BYTES;
    }

    @Override
    public void dispatch(Matrix x, Matrix rows) {
        gather(null, x, slotToken, 0, rows, true);
    }

    @Override
    public void combine(Matrix base, Matrix outputs, Matrix target) {
        dot(outputs, 0, outputs, norms);
        Matrix sum = base;
        for (int choice = 0; choice < shape.choices(); choice++) {
            gather(sum, outputs, ofChoice(slots, choice), ofChoice(factors, choice), target, false);
            sum = target;
        }
    }

    @Override
    public void backwardCombine(Matrix dTarget, Matrix outputs, Matrix dOutputs) {
        dot(dTarget, slotToken, outputs, dots.reserve((long) shape.maxTokens() * shape.choices() * Double.BYTES));
        gather(null, dTarget, slotToken, slotGate, dOutputs, true);
    }

    @Override
    public void backwardDispatch(Matrix dRows, Matrix dx) {
        Matrix sum = null;
        for (int choice = 0; choice < shape.choices(); choice++) {
            gather(sum, dRows, ofChoice(slots, choice), 0, dx, false);
            sum = dx;
        }
    }

    @Override
    public void backwardChoose(double[] ofRows, double slope, Matrix dLogits) {
        double[] all = Arrays.copyOf(ofRows, shape.rows() + 1);
        all[shape.rows()] = slope;
        launch.with(logits.matrix(0, tokens, shape.rows()))
                .with(expertOfRow)
                .with(chosen)
                .with(shares)
                .with(sums)
                .with(slots)
                .with(dots.reserve(0))
                .with(slopes.put(all, all.length))
                .writes(dLogits)
                .with(tokens)
                .with(shape.rows())
                .with(shape.choices())
                .with(shape.renormalize() ? 1 : 0)
                .with(shape.isPartlyLive() ? 1 : 0);
        run(DeviceFunction.ROUTER_BACKWARD);
    }

    @Override
    public Decisions decisions() {
        int all = tokens * shape.choices();
        float[] values = new float[tokens * shape.rows()];
        logits.read(0, values, values.length);
        double[] ofShares = new double[all];
        staging.download(shares, ofShares, 0, all);
        double[] squares = new double[slotCount];
        staging.download(norms, squares, 0, slotCount);
        return new Decisions(values, integers(chosen, all), ofShares, integers(slots, all), squares);
    }

    private int[] integers(long address, int count) {
        int[] values = new int[count];
        staging.download(address, values, count);
        return values;
    }

    @Override
    public void close() {
        logits.close();
        scratch.forEach(DeviceScratch::close);
    }
}
