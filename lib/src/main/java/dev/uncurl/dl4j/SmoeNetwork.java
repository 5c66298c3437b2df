package dev.uncurl.dl4j;

import dev.uncurl.collective.Collectives;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ElementRange;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Creates Deeplearning4j networks of the language model, and converts their inputs, parameters and moments. */
public final class SmoeNetwork {
    private SmoeNetwork() {}

    /** @param seed of the initial parameters, see {@link dev.uncurl.model.ModelInitialization} */
    public static MultiLayerConfiguration configuration(ModelConfig config, FusedAdamW updater, long seed) {
        return configuration(config, updater, seed, 0);
    }

    private static MultiLayerConfiguration configuration(
            ModelConfig config, FusedAdamW updater, long seed, int microBatch) {
        return new NeuralNetConfiguration.Builder()
                .seed(seed)
                .dataType(DataType.FLOAT)
                .updater(updater)
                // the loss is already a mean over tokens, so DL4J must not divide it by the batch size
                .miniBatch(false)
                .trainingWorkspaceMode(WorkspaceMode.NONE)
                .inferenceWorkspaceMode(WorkspaceMode.NONE)
                .cacheMode(CacheMode.NONE)
                .list()
                .layer(new SmoeLayer(config, microBatch))
                .build();
    }

    /** A network with initial parameters. */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, long seed) {
        var network = new MultiLayerNetwork(configuration(config, updater, seed));
        network.init();
        return network;
    }

    /** A network with a copy of these parameters. */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, Weights parameters)
            throws IOException {
        return create(config, updater, parameters, 0);
    }

    /**
     * A network with a copy of these parameters.
     *
     * @param microBatch sequences per micro-batch, which limits the memory of a step; 0: the whole batch. The cross-entropy
     *     does not depend on it; balance loss and z-loss are averages over the micro-batches
     */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, Weights parameters, int microBatch)
            throws IOException {
        return create(configuration(config, updater, 0, microBatch), parameters);
    }

    /** A network of a configuration of this class, with a copy of these parameters. */
    public static MultiLayerNetwork create(MultiLayerConfiguration configuration, Weights parameters)
            throws IOException {
        return create(configuration, parameters, ExpertShare.ALL);
    }

    /** A network of what one rank holds of a model. @param parameters of the whole model; only those that it holds are read */
    public static MultiLayerNetwork create(MultiLayerConfiguration configuration, Weights parameters, ExpertShare share)
            throws IOException {
        var layer = (SmoeLayer) configuration.getConf(0).getLayer();
        layer.hold(share);
        var network = new MultiLayerNetwork(configuration);
        network.init(FlatWeights.load(layer.layout(), parameters), false);
        return network;
    }

    /**
     * A network that has a configuration and no arrays: what a process needs that starts training elsewhere.
     *
     * @param microBatch largest number of sequences that a rank computes at a time
     */
    public static MultiLayerNetwork withoutArrays(ModelConfig config, FusedAdamW updater, int microBatch) {
        return new WithoutArrays(configuration(config, updater, 0, microBatch));
    }

    private static final class WithoutArrays extends MultiLayerNetwork {
        private static final long serialVersionUID = 1L;

        WithoutArrays(MultiLayerConfiguration configuration) {
            super(configuration);
        }

        /** So that DL4J does not initialise it. */
        @Override
        public boolean isInitCalled() {
            return true;
        }

        /** DL4J counts fits as epochs, in each layer; this network has none. */
        @Override
        public void incrementEpochCount() {
            getLayerWiseConfigurations()
                    .setEpochCount(getLayerWiseConfigurations().getEpochCount() + 1);
        }
    }

    /** The only layer of the network. */
    public static SmoeOutputLayer layer(MultiLayerNetwork network) {
        return (SmoeOutputLayer) network.getLayer(0);
    }

    /** The parameters that the network holds; each read gives their current values. */
    public static Weights parameters(MultiLayerNetwork network) {
        return FlatWeights.of(layout(network), network.params(), 0);
    }

    /** AdamW's moments of the parameters that the network updates ({@link #updated}); each read gives their current values. */
    public static FlatMoments moments(MultiLayerNetwork network) {
        return new FlatMoments(network.getUpdater().getStateViewArray());
    }

    /**
     * Makes a network one of the ranks that train a model together: it computes gradients for its share of each step, and
     * updates its slices of the parameters. To be called before its moments are used. A network that holds a part of the experts
     * must be the part's rank ({@link ExpertShare#of}).
     *
     * @param shares the division of each step among all ranks
     * @param processor computes; the caller closes it when the network has been released. A device has copies of the arrays: see
     *     {@link RankStep#bringHome}
     * @param slots task slots that these ranks have together; each has as many threads as its part of them, which does not
     *     affect its bits
     * @param nccl whether ranks on GPUs exchange gradients and parameters from one to the other
     * @param deadline how long a rank waits for others in one exchange between GPUs
     * @throws dev.uncurl.error.UserError (usage) on every rank, if NCCL is required and cannot be used
     */
    public static void join(
            MultiLayerNetwork network,
            Collectives ranks,
            StepShares shares,
            Processor processor,
            int slots,
            NcclChoice nccl,
            Duration deadline) {
        ExpertShare share = configuration(network).share();
        var way = new RankPlace.Way(nccl, deadline);
        long bucket = Buckets.floats(ranks.size());
        layer(network).join(RankPlace.of(ranks, share, shares, processor, way, slots, bucket));
    }

    /**
     * The parameters that the network updates, in the order of its moments: ranges of {@link ParameterLayout#of(ModelConfig)}. The
     * ranks of a model together update each parameter once.
     */
    public static List<ElementRange> updated(MultiLayerNetwork network) {
        ParameterLayout own = layout(network);
        ParameterLayout whole = ParameterLayout.of(configuration(network).modelConfig());
        return layer(network).place().slices(configuration(network).blocks()).stream()
                .flatMap(slice -> own.in(whole, slice).stream())
                .toList();
    }

    /** The tensors that the network holds, as its flat parameters have them. */
    public static ParameterLayout layout(MultiLayerNetwork network) {
        return configuration(network).layout();
    }

    private static SmoeLayer configuration(MultiLayerNetwork network) {
        return (SmoeLayer) layer(network).conf().getLayer();
    }

    /**
     * Restores the state of the updater. A network with the parameters and the state of another one continues bit for bit as
     * the other one.
     *
     * @param moments of the same parameters, as {@link #moments} of the other network
     * @param iterations number of steps of the other network
     */
    public static void resume(MultiLayerNetwork network, Weights moments, int iterations) throws IOException {
        moments(network).write(moments);
        network.setIterationCount(iterations);
    }

    /**
     * Releases all memory of a network, which must not be used any more. Its own {@code close} releases less, and runs two full garbage
     * collections.
     */
    public static void release(MultiLayerNetwork network) {
        layer(network).release();
        Updater updater = network.getUpdater(false);
        INDArray moments = updater == null ? null : updater.getStateViewArray();
        for (INDArray array : Arrays.asList(network.params(), network.getFlattenedGradients(), moments)) {
            if (array != null && array.closeable()) {
                array.close();
            }
        }
    }

    /** Features [B, T] and labels [B, T] as INT. */
    public static DataSet dataSet(TokenBatch batch) {
        return new DataSet(
                Nd4j.createFromArray(batch.tokens()).reshape(batch.rows(), batch.columns()),
                Nd4j.createFromArray(batch.targets()).reshape(batch.rows(), batch.columns()));
    }

    /** One batch of sequences of different lengths, each in a {@link #dataSet} of its own. */
    public static TokenBatch batch(List<DataSet> sequences) {
        return Sequences.padded(
                sequences.stream().map(one -> ints(one.getFeatures())).toList(),
                sequences.stream().map(one -> ints(one.getLabels())).toList());
    }

    static TokenBatch batch(INDArray tokens, INDArray targets) {
        return new TokenBatch(
                ints(tokens), ints(targets), Math.toIntExact(tokens.size(0)), Math.toIntExact(tokens.size(1)));
    }

    private static int[] ints(INDArray array) {
        return (array.isView() ? array.dup('c') : array).data().asInt();
    }
}
