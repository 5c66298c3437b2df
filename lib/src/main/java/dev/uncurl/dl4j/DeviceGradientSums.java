package dev.uncurl.dl4j;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.GatherScatter;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.spec.ElementRange;
import java.util.Arrays;
import java.util.stream.IntStream;

/** In a device's memory: y + w x as the kernels have it, for rows of {@value #COLUMNS} elements, each from its own place. */
final class DeviceGradientSums implements GradientSums {
    private static final int COLUMNS = 1024;
    /** Rows per call: 256 MiB. */
    private static final int MOST_ROWS = 1 << 16;

    private final GatherScatter rows;
    private final FlatMemory gradients;
    private final RankArrays arrays;

    DeviceGradientSums(Kernels kernels, RankArrays arrays) {
        rows = kernels.gatherScatter();
        gradients = arrays.gradients();
        this.arrays = arrays;
    }

    @Override
    public void add(double weight, boolean first) {
        var all = new ElementRange(0, gradients.length());
        byRows(all, (at, count, columns) -> {
            var x = gradients.matrix(at, count, columns);
            var y = arrays.sum().matrix(at, count, columns);
            if (first) {
                rows.gather(x, identity(count), filled(count, weight), y);
            } else {
                rows.gatherAdd(y, x, identity(count), filled(count, weight), y);
            }
        });
    }

    @Override
    public void complete(ElementRange range, double weight) {
        byRows(range, (at, count, columns) -> {
            var x = gradients.matrix(at, count, columns);
            var y = arrays.sum().matrix(at, count, columns);
            rows.gatherAdd(y, x, identity(count), filled(count, weight), y);
            rows.gather(y, identity(count), null, x);
        });
    }

    @Override
    public void setNaN() {
        var part = new float[(int) Math.min(FlatMemory.COPIED, gradients.length())];
        Arrays.fill(part, Float.NaN);
        for (long at = 0; at < gradients.length(); at += part.length) {
            gradients.write(at, part, (int) Math.min(part.length, gradients.length() - at));
        }
    }

    private interface RowWork {
        void on(long at, int count, int columns);
    }

    /** Calls {@code work} for as many whole rows as there are, and for a shorter one at the end. */
    private static void byRows(ElementRange range, RowWork work) {
        long at = range.from();
        while (range.to() - at >= COLUMNS) {
            int count = (int) Math.min(MOST_ROWS, (range.to() - at) / COLUMNS);
            work.on(at, count, COLUMNS);
            at += (long) count * COLUMNS;
        }
        if (at < range.to()) {
            work.on(at, 1, (int) (range.to() - at));
        }
    }

    private static int[] identity(int count) {
        return IntStream.range(0, count).toArray();
    }

    private static double[] filled(int count, double value) {
        var all = new double[count];
        Arrays.fill(all, value);
        return all;
    }
}
