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
        var network = new MultiLayerNetwork(configuration(config, updater, 0, microBatch));
        network.init(FlatWeights.load(ParameterLayout.of(config), parameters), false);
        return network;
    }

    /** The only layer of the network. */
    public static SmoeOutputLayer layer(MultiLayerNetwork network) {
        return (SmoeOutputLayer) network.getLayer(0);
    }

    /** The parameters of the network; each read gives their current values. */
    public static Weights parameters(MultiLayerNetwork network) {
        return FlatWeights.of(layout(network), network.params(), 0);
    }

    /** AdamW's first moments, by parameter; each read gives their current values. */
    public static Weights firstMoments(MultiLayerNetwork network) {
        return moments(network, 0);
    }

    /** AdamW's second moments, by parameter; each read gives their current values. */
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
     * Restores the state of the updater. A network with the parameters and the state of another one continues bit for bit as
     * the other one.
     *
     * @param first {@link #firstMoments} of the other network
     * @param second {@link #secondMoments} of the other network
     * @param iterations number of steps of the other network
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
