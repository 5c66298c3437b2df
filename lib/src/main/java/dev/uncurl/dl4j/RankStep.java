package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.FloatRange;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.Loss;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.spec.MoeConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Steps of one rank of a model that several ranks train synchronously. A step is that of one process on the batches of all
 * ranks together, apart from rounding: each rank computes its part of the gradient; the parts are summed by slices
 * (reduce-scatter); each rank updates its slice with AdamW, after clipping by the norm of the whole gradient; and the slices of
 * the parameters go to all ranks (all-gather). Every rank has the same parameters after it, to the bit.
 */
public final class RankStep implements TrainStep {
    /** Elements per subtraction: a view of an array has an int as its length. */
    private static final long WINDOW = 1L << 26;

    private final MultiLayerNetwork network;
    private final SmoeOutputLayer layer;
    private final Collectives ranks;
    private final ExchangeClock clock;
    private final long[] bounds;

    /** @param network after {@link SmoeNetwork#join} */
    public RankStep(MultiLayerNetwork network) {
        this.network = network;
        layer = SmoeNetwork.layer(network);
        ranks = layer.place().ranks();
        if (ranks == null) {
            throw new IllegalArgumentException("This network has not joined any ranks; call SmoeNetwork.join first");
        }
        clock = layer.place().clock();
        bounds = layer.place().bounds(network.numParams());
    }

    /**
     * Takes a step with all other ranks.
     *
     * @param share the sequences of this rank, by micro-step
     * @return loss, gradient norm and routing of the batches of all ranks, the same on each
     */
    @Override
    public Result take(TokenBatch share) {
        MultiLayerConfiguration position = network.getLayerWiseConfigurations();
        int iteration = position.getIterationCount();
        ranks.at("step " + (iteration + 1));
        var data = SmoeNetwork.dataSet(share);
        network.setInput(data.getFeatures());
        network.setLabels(data.getLabels());
        network.computeGradientAndScore();
        INDArray gradients = network.getFlattenedGradients();
        clock.time(() -> ranks.reduceScatter(FloatRange.of(gradients), bounds));
        network.getUpdater()
                .update(
                        network,
                        network.gradient(),
                        iteration,
                        position.getEpochCount(),
                        share.rows(),
                        LayerWorkspaceMgr.noWorkspaces());
        subtract(network.params(), gradients);
        clock.time(() -> ranks.allGather(FloatRange.of(network.params()), bounds));
        position.setIterationCount(iteration + 1);
        network.clearLayersStates();
        return result();
    }

    /** Subtracts the update from the slice of this rank. */
    private void subtract(INDArray parameters, INDArray update) {
        for (long at = bounds[ranks.rank()]; at < bounds[ranks.rank() + 1]; at += WINDOW) {
            int count = (int) Math.min(WINDOW, bounds[ranks.rank() + 1] - at);
            Matrix.of(parameters, at, 1, count)
                    .array()
                    .subi(Matrix.of(update, at, 1, count).array());
        }
    }

    private Result result() {
        MicroBatches.Outcome own = layer.last();
        Loss loss = own.loss();
        double[] sums = clock.time(() -> ranks.sum(new double[] {loss.crossEntropy(), loss.predicted()}));
        MoeConfig moe = layer.modelConfig().moe();
        double total = sums[0] + moe.balanceLoss() * loss.balance() + moe.zLoss() * loss.z();
        var all = new Loss(sums[0], (int) sums[1], loss.balance(), loss.z(), total);
        SortedMap<Integer, Routing> routing = new TreeMap<>();
        for (Map.Entry<Integer, Routing> block : own.routing().entrySet()) {
            routing.put(block.getKey(), sum(block.getValue()));
        }
        return new Result(all, layer.gradientNorm(), network.getLearningRate(0), routing, own.fault());
    }

    private Routing sum(Routing own) {
        long[] values = IntStream.concat(IntStream.of(own.dropped()), Arrays.stream(own.tokens()))
                .asLongStream()
                .toArray();
        long[][] all = clock.time(() -> ranks.gather(values));
        int[] sums = IntStream.range(0, values.length)
                .map(i -> (int) Arrays.stream(all).mapToLong(rank -> rank[i]).sum())
                .toArray();
        return new Routing(Arrays.copyOfRange(sums, 1, sums.length), sums[0]);
    }

    /**
     * Compares the parameters of all ranks by checksum, to the bit.
     *
     * @throws UserError (input) on every rank, with the ranks that differ from most others
     */
    public void requireEqualParameters() {
        long[] sums = Arrays.stream(ranks.gather(new long[] {FlatWeights.checksum(network.params())}))
                .mapToLong(rank -> rank[0])
                .toArray();
        long usual = 0;
        long most = 0;
        for (long sum : sums) {
            long count = Arrays.stream(sums).filter(other -> other == sum).count();
            if (count > most) {
                usual = sum;
                most = count;
            }
        }
        long common = usual;
        List<Integer> differing = IntStream.range(0, sums.length)
                .filter(rank -> sums[rank] != common)
                .boxed()
                .toList();
        if (!differing.isEmpty()) {
            throw UserError.input(
                    "The parameters of rank " + differing.toString().replaceAll("[\\[\\]]", "")
                            + " differ from those of the other ranks after step "
                            + network.getIterationCount() + ", out of " + sums.length + " ranks",
                    "Run the command again: it continues from the newest checkpoint. If it happens again, the memory or"
                            + " the processor of that rank's machine is at fault, or its JDK is another one.");
        }
    }

    /** Nanoseconds that all steps so far spent in exchanges with other ranks, without waiting for them. */
    public long exchangeNanos() {
        return clock.exchangeNanos();
    }

    /** Nanoseconds that all steps so far spent waiting for ranks that came to an exchange later. */
    public long waitNanos() {
        return clock.waitNanos();
    }

    /** Releases the off-heap memory of a pass without waiting for garbage collection. The next step allocates it again. */
    public void release() {
        layer.release();
    }
}
