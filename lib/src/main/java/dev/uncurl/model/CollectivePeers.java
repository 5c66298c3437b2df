package dev.uncurl.model;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.exchange.DeviceExchange;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ExpertShare;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The ranks of {@link Collectives}, as a model sees them.
 *
 * @param group the ranks that hold all experts together; null if each holds all of them
 * @param devices how rows of a device reach the other ranks; the caller closes it
 */
public record CollectivePeers(Collectives ranks, Collectives group, DeviceExchanges devices) implements Peers {
    /** @param share what this rank holds; every rank calls it with its own */
    public static CollectivePeers of(Collectives ranks, ExpertShare share, DeviceExchanges devices) {
        int parts = share.parts();
        if (ranks.size() % parts != 0 || share.part() != ranks.rank() % parts) {
            throw new IllegalArgumentException("Rank " + ranks.rank() + " of " + ranks.size() + " cannot hold part "
                    + share.part() + " of " + parts);
        }
        if (share.isAll()) {
            return new CollectivePeers(ranks, null, devices);
        }
        int first = ranks.rank() - share.part();
        Collectives group = ranks.group(IntStream.range(first, first + parts).toArray());
        if (devices.direct()) {
            devices.of(group); // now, so that a model sees how much memory is left
        }
        return new CollectivePeers(ranks, group, devices);
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
        long[] sent = floats(sendRows, send);
        long[] received = floats(receiveRows, receive);
        if (send.memory().onHost()) {
            group.allToAll(FloatRange.of(send.array()), sent, FloatRange.of(receive.array()), received);
            return;
        }
        if (devices.direct()) {
            DeviceExchange direct = devices.of(group);
            direct.allToAll(send, sent, receive, received);
            direct.finish();
            return;
        }
        try (FlatMemory out = onHost(sent);
                FlatMemory in = onHost(received)) {
            copy(rows(send, sendRows), rows(out, sendRows, send));
            group.allToAll(range(out), sent, range(in), received);
            copy(rows(in, receiveRows, receive), rows(receive, receiveRows));
        }
    }

    /** Rows of a device go through the host's memory. */
    private static FlatMemory onHost(long[] floats) {
        return FlatMemory.scratch(DataType.FLOAT, Arrays.stream(floats).sum());
    }

    private static FloatRange range(FlatMemory host) {
        return FloatRange.of(host.matrix(0, 1, Math.toIntExact(host.length())).array());
    }

    private static Matrix rows(Matrix matrix, int[] rows) {
        return matrix.rows(0, Arrays.stream(rows).sum());
    }

    private static Matrix rows(FlatMemory host, int[] rows, Matrix like) {
        return host.matrix(0, Arrays.stream(rows).sum(), like.columns());
    }

    private static void copy(Matrix from, Matrix to) {
        var values = new float[from.rows() * from.columns()];
        from.read(values);
        to.write(values);
    }

    private static long[] floats(int[] rows, Matrix matrix) {
        return Arrays.stream(rows)
                .mapToLong(count -> (long) count * matrix.columns())
                .toArray();
    }
}
