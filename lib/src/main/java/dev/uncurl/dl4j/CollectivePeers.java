package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.Peers;
import java.util.Arrays;

/**
 * The ranks of {@link Collectives}, as a model sees them.
 *
 * @param group the ranks that hold all experts together; null if each holds all of them
 */
record CollectivePeers(Collectives ranks, Collectives group, ExchangeClock clock) implements Peers {
    @Override
    public int rank() {
        return ranks.rank();
    }

    @Override
    public double[][] gather(double[] own) {
        long[] bits = Arrays.stream(own).mapToLong(Double::doubleToRawLongBits).toArray();
        return Arrays.stream(clock.time(() -> ranks.gather(bits)))
                .map(rank -> Arrays.stream(rank)
                        .mapToDouble(Double::longBitsToDouble)
                        .toArray())
                .toArray(double[][]::new);
    }

    @Override
    public void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows) {
        clock.time(() -> group.allToAll(
                FloatRange.of(send.array()),
                floats(sendRows, send),
                FloatRange.of(receive.array()),
                floats(receiveRows, receive)));
    }

    private static long[] floats(int[] rows, Matrix matrix) {
        return Arrays.stream(rows)
                .mapToLong(count -> (long) count * matrix.columns())
                .toArray();
    }
}
