package dev.uncurl.dl4j;

import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** The language model as a Deeplearning4j network, and what goes in and out of it. */
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
                // the loss is a mean over tokens; DL4J must not divide it again
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

    /** A network with given parameters, which are copied. */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, Weights parameters)
            throws IOException {
        return create(config, updater, parameters, 0);
    }

    /**
     * A network with given parameters, which are copied.
     *
     * @param microBatch sequences of a batch that pass through the model at a time: bounds the memory of a step without
     *     changing its cross-entropy; balance and z-loss become those of the micro-batches, averaged. 0 for all at once
     */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, Weights parameters, int microBatch)
            throws IOException {
        var network = new MultiLayerNetwork(configuration(config, updater, 0, microBatch));
        network.init(FlatWeights.load(ParameterLayout.of(config), parameters), false);
        return network;
    }

    /** The network's one layer. */
    public static SmoeOutputLayer layer(MultiLayerNetwork network) {
        return (SmoeOutputLayer) network.getLayer(0);
    }

    /** The parameters as they are whenever they are read. */
    public static Weights parameters(MultiLayerNetwork network) {
        return FlatWeights.of(layout(network), network.params(), 0);
    }

    /** The first moments of AdamW as they are whenever they are read, under the names of their parameters. */
    public static Weights firstMoments(MultiLayerNetwork network) {
        return moments(network, 0);
    }

    /** The second moments, likewise. */
    public static Weights secondMoments(MultiLayerNetwork network) {
        return moments(network, network.numParams());
    }

    private static FlatWeights moments(MultiLayerNetwork network, long offset) {
        return FlatWeights.of(layout(network), network.getUpdater().getStateViewArray(), offset);
    }

    private static ParameterLayout layout(MultiLayerNetwork network) {
        return ParameterLayout.of(((SmoeLayer) layer(network).conf().getLayer()).modelConfig());
    }

    /**
     * Puts a new network where another one was, so that it goes on with the same bits.
     *
     * @param first as {@link #firstMoments} of the other one gave them
     * @param second as {@link #secondMoments} gave them
     * @param iterations steps that the other one had taken
     */
    public static void resume(MultiLayerNetwork network, Weights first, Weights second, int iterations)
            throws IOException {
        moments(network, 0).write(first);
        moments(network, network.numParams()).write(second);
        network.setIterationCount(iterations);
    }

    /** Features [B, T] and labels [B, T] as INT. */
    public static DataSet dataSet(TokenBatch batch) {
        return new DataSet(
                Nd4j.createFromArray(batch.tokens()).reshape(batch.rows(), batch.columns()),
                Nd4j.createFromArray(batch.targets()).reshape(batch.rows(), batch.columns()));
    }

    static TokenBatch batch(INDArray tokens, INDArray targets) {
        return new TokenBatch(
                ints(tokens), ints(targets), Math.toIntExact(tokens.size(0)), Math.toIntExact(tokens.size(1)));
    }

    private static int[] ints(INDArray array) {
        return (array.isView() ? array.dup('c') : array).data().asInt();
    }
}
