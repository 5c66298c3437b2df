package dev.uncurl.model;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ExpertShare;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The ranks of {@link Collectives}, as a model sees them.
 *
 * @param group the ranks that hold all experts together; null if each holds all of them
 */
public record CollectivePeers(Collectives ranks, Collectives group) implements Peers {
    /** @param share what this rank holds; every rank calls it with its own */
    public static CollectivePeers of(Collectives ranks, ExpertShare share) {
        int parts = share.parts();
        if (ranks.size() % parts != 0 || share.part() != ranks.rank() % parts) {
            throw new IllegalArgumentException("Rank " + ranks.rank() + " of " + ranks.size() + " cannot hold part "
                    + share.part() + " of " + parts);
        }
        int first = ranks.rank() - share.part();
        return new CollectivePeers(
                ranks,
                share.isAll()
                        ? null
                        : ranks.group(IntStream.range(first, first + parts).toArray()));
    }

    @Override
    public int rank() {
        return ranks.rank();
    }

    @Override
    public double[][] gather(double[] own) {
        long[] bits = Arrays.stream(own).mapToLong(Double::doubleToRawLongBits).toArray();
        return Arrays.stream(ranks.gather(bits))
                .map(rank -> Arrays.stream(rank)
                        .mapToDouble(Double::longBitsToDouble)
                        .toArray())
                .toArray(double[][]::new);
    }

    @Override
    public void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows) {
        group.allToAll(
                FloatRange.of(send.array()),
                floats(sendRows, send),
                FloatRange.of(receive.array()),
                floats(receiveRows, receive));
    }

    private static long[] floats(int[] rows, Matrix matrix) {
        return Arrays.stream(rows)
                .mapToLong(count -> (long) count * matrix.columns())
                .toArray();
    }
}
