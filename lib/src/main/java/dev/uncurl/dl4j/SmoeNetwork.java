package dev.uncurl.dl4j;

import dev.uncurl.config.ModelConfig;
import dev.uncurl.model.TokenBatch;
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
                .layer(new SmoeLayer(config))
                .build();
    }

    /** A network with initial parameters. */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, long seed) {
        var network = new MultiLayerNetwork(configuration(config, updater, seed));
        network.init();
        return network;
    }

    /** A network with given parameters, which are copied. */
    public static MultiLayerNetwork create(ModelConfig config, FusedAdamW updater, float[] parameters) {
        var network = new MultiLayerNetwork(configuration(config, updater, 0));
        network.init(Nd4j.createFromArray(parameters).reshape(1, parameters.length), false);
        return network;
    }

    /** The network's one layer: last loss, expert counts, gradient norm. */
    public static SmoeOutputLayer layer(MultiLayerNetwork network) {
        return (SmoeOutputLayer) network.getLayer(0);
    }

    /** The model that the network was configured with. */
    public static ModelConfig modelConfig(MultiLayerNetwork network) {
        return ((SmoeLayer) network.getLayerWiseConfigurations().getConf(0).getLayer()).modelConfig();
    }

    /** A copy of the parameters, in the order of {@link dev.uncurl.model.ParameterLayout}. */
    public static float[] parameters(MultiLayerNetwork network) {
        return network.params().dup('c').data().asFloat();
    }

    /** Overwrites the parameters in place. */
    public static void setParameters(MultiLayerNetwork network, float[] parameters) {
        INDArray flat = network.params();
        if (parameters.length != flat.length()) {
            throw new IllegalArgumentException(parameters.length + " parameters for a network of " + flat.length());
        }
        flat.assign(Nd4j.createFromArray(parameters).reshape(flat.shape()));
    }

    /** Features [B, T] and labels [B, T] as floats; float holds every token id below 2^24. */
    public static DataSet dataSet(TokenBatch batch) {
        return new DataSet(
                floats(batch.tokens(), batch.rows(), batch.columns()),
                floats(batch.targets(), batch.rows(), batch.columns()));
    }

    private static INDArray floats(int[] values, int rows, int columns) {
        var floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            floats[i] = values[i];
        }
        return Nd4j.createFromArray(floats).reshape(rows, columns);
    }

    /** The batch that {@link #dataSet} was made from. */
    public static TokenBatch batch(DataSet data) {
        return batch(data.getFeatures(), data.getLabels());
    }

    static TokenBatch batch(INDArray tokens, INDArray targets) {
        return new TokenBatch(
                tokens.dup('c').data().asInt(),
                targets.dup('c').data().asInt(),
                Math.toIntExact(tokens.size(0)),
                Math.toIntExact(tokens.size(1)));
    }
}
