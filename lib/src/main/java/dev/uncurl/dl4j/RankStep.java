package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.BackwardProgress;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.Loss;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.MoeConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Steps of one rank of a model that several ranks train synchronously. A step is that of one process on the batches of all
 * ranks together, apart from rounding: each rank computes its part of the gradient; the parts are summed by slices
 * (reduce-scatter), those of the last blocks while the backward pass of the last micro-step computes the first ones; each rank
 * updates its slices with AdamW, after clipping by the norm of the whole gradient; and the slices of the parameters go to all ranks
 * (all-gather). Every rank has the same parameters after it, to the bit.
 *
 * <p>If experts are divided among groups of ranks, a rank has the gradients of its experts for all tokens of its group; they are
 * summed over the ranks that hold the same experts, one of each group, and these have equal parameters of the experts.
 */
public final class RankStep implements TrainStep {
    /** Elements per subtraction: a view of an array has an int as its length. */
    private static final long WINDOW = 1L << 26;

    private final MultiLayerNetwork network;
    private final SmoeOutputLayer layer;
    private final Collectives ranks;
    private final ExchangeClock clock;
    private final List<Section> sections;
    private final StepExchange exchange;

    /** @param network after {@link SmoeNetwork#join} */
    public RankStep(MultiLayerNetwork network) {
        this(network, true);
    }

    /** @param beside whether gradients are exchanged while others are computed, which does not change a bit */
    RankStep(MultiLayerNetwork network, boolean beside) {
        this.network = network;
        layer = SmoeNetwork.layer(network);
        ranks = layer.place().ranks();
        if (ranks == null) {
            throw new IllegalArgumentException("This network has not joined any ranks; call SmoeNetwork.join first");
        }
        clock = layer.place().clock();
        sections = layer.place().sections(layer.blocks());
        exchange = layer.place().devices().direct()
                ? new DeviceStepExchange(layer, sections)
                : new HostStepExchange(network, sections, beside);
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
        exchange.sumGradients(this::computeGradients);
        INDArray gradients = network.getFlattenedGradients();
        network.getUpdater()
                .update(
                        network,
                        network.gradient(),
                        iteration,
                        position.getEpochCount(),
                        share.rows(),
                        LayerWorkspaceMgr.noWorkspaces());
        if (layer.arrays().isHost()) {
            sections.forEach(section -> subtract(network.params(), gradients, section.slice()));
        }
        exchange.shareParameters();
        position.setIterationCount(iteration + 1);
        network.clearLayersStates();
        return result();
    }

    private void computeGradients(BackwardProgress progress) {
        layer.follow(progress);
        try {
            network.computeGradientAndScore();
        } finally {
            layer.follow(BackwardProgress.NONE);
        }
    }

    /** Subtracts the update from a slice of the parameters. */
    private static void subtract(INDArray parameters, INDArray update, ElementRange slice) {
        for (long at = slice.from(); at < slice.to(); at += WINDOW) {
            int count = (int) Math.min(WINDOW, slice.to() - at);
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
     * Compares the parameters of all ranks that have the same ones by checksum, to the bit.
     *
     * @throws UserError (input) on every rank, with the ranks that differ from most others
     */
    public void requireEqualParameters() {
        bringHome();
        BlockRanges blocks = layer.blocks();
        long[][] sums = ranks.gather(new long[] {
            FlatWeights.checksum(network.params(), blocks.shared()),
            FlatWeights.checksum(network.params(), blocks.own())
        });
        var differing = new TreeSet<>(differing(sums, 0, 0, 1));
        int parts = layer.layerConf().share().parts();
        for (int part = 0; part < parts; part++) {
            differing.addAll(differing(sums, 1, part, parts));
        }
        if (!differing.isEmpty()) {
            throw UserError.input(
                    "The parameters of rank " + differing.toString().replaceAll("[\\[\\]]", "")
                            + " differ from those of the other ranks after step "
                            + network.getIterationCount() + ", out of " + sums.length + " ranks",
                    "Run the command again: it continues from the newest checkpoint. If it happens again, the memory or"
                            + " the processor of that rank's machine is at fault, or its JDK is another one.");
        }
    }

    /** The ranks {@code kind}, {@code kind + kinds}, ... whose checksum is not the most frequent one among them. */
    private static List<Integer> differing(long[][] sums, int column, int kind, int kinds) {
        Map<Long, List<Integer>> bySum = IntStream.iterate(kind, rank -> rank < sums.length, rank -> rank + kinds)
                .boxed()
                .collect(Collectors.groupingBy(rank -> sums[rank][column], LinkedHashMap::new, Collectors.toList()));
        int most = bySum.values().stream().mapToInt(List::size).max().orElseThrow();
        List<Integer> usual = bySum.values().stream()
                .filter(ranks -> ranks.size() == most)
                .findFirst()
                .orElseThrow();
        return bySum.values().stream()
                .filter(ranks -> ranks != usual)
                .flatMap(List::stream)
                .toList();
    }

    /** Bytes that this rank has sent to others so far. */
    public long sentBytes() {
        return ranks.cost().bytes() + layer.place().devices().bytes();
    }

    /** How gradients and parameters of GPUs reach the other ranks, for reports: {@code by NCCL 2.27.3}. */
    public String exchange() {
        return layer.place().devices().description();
    }

    /** Nanoseconds that all steps so far spent in exchanges with other ranks, without waiting for them. */
    public long exchangeNanos() {
        return clock.exchangeNanos();
    }

    /** Nanoseconds that all steps so far spent waiting for ranks that came to an exchange later. */
    public long waitNanos() {
        return clock.waitNanos();
    }

    /** Gives the network's own arrays the parameters and moments that a device has; on the host they have them. */
    public void bringHome() {
        layer.bringHome();
    }

    /**
     * Releases the memory of a pass without waiting for garbage collection, and what a device has. The next step allocates it again,
     * with the values of the network's own arrays. A step ends with sums over all ranks, so that none exchanges anything any more.
     */
    public void release() {
        layer.place().devices().close();
        layer.release();
    }
}
