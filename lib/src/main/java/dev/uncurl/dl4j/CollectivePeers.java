package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.model.Peers;
import java.util.Arrays;

/** The ranks of {@link Collectives}, as a model sees them. */
record CollectivePeers(Collectives ranks, ExchangeClock clock) implements Peers {
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
}
