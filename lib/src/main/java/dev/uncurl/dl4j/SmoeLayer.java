package dev.uncurl.dl4j;

import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Collection;
import java.util.Objects;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonAutoDetect;

/**
 * Configuration of the language model as the only layer of a MultiLayerNetwork. Its fields are its JSON: the configuration of
 * the model, as a JSON string, and the size of micro-batches.
 */
@JsonAutoDetect(fieldVisibility = JsonAutoDetect.Visibility.ANY)
public final class SmoeLayer extends BaseLayer {
    private static final long serialVersionUID = 1L;

    private String model;
    private int microBatch;
    private transient ModelConfig config;
    private transient ExpertShare share;

    /** For JSON. */
    public SmoeLayer() {}

    /** @param microBatch sequences per micro-batch; 0: the whole batch */
    public SmoeLayer(ModelConfig config, int microBatch) {
        this.model = ModelJson.write(config);
        this.microBatch = microBatch;
    }

    /** The model's shape. */
    public ModelConfig modelConfig() {
        if (config == null) {
            config = ModelJson.read(model);
        }
        return config;
    }

    /** Restricts the layer to what one rank holds; not part of the JSON, which is the same for all ranks. */
    void hold(ExpertShare part) {
        share = part;
    }

    /** What this rank holds of the model: all of it, if not restricted. */
    ExpertShare share() {
        return share == null ? ExpertShare.ALL : share;
    }

    /** The layout of the flat parameters. */
    ParameterLayout layout() {
        return ParameterLayout.of(modelConfig(), share());
    }

    /** Where the blocks are in it. */
    BlockRanges blocks() {
        return BlockRanges.of(modelConfig(), share());
    }

    int microBatch() {
        return microBatch;
    }

    @Override
    public org.deeplearning4j.nn.api.Layer instantiate(
            NeuralNetConfiguration configuration,
            Collection<TrainingListener> listeners,
            int index,
            INDArray parameters,
            boolean initialize,
            DataType type) {
        var layer = new SmoeOutputLayer(configuration, type);
        layer.setListeners(listeners);
        layer.setIndex(index);
        layer.setParamsViewArray(parameters);
        layer.setParamTable(initializer().init(configuration, parameters, initialize));
        layer.setConf(configuration);
        return layer;
    }

    @Override
    public ParamInitializer initializer() {
        return new SmoeParameters();
    }

    @Override
    public InputType getOutputType(int index, InputType input) {
        return InputType.recurrent(modelConfig().vocabulary(), RNNFormat.NWC);
    }

    @Override
    public void setNIn(InputType input, boolean override) {
        // the input is token ids, so its size is not a parameter of the model
    }

    @Override
    public InputPreProcessor getPreProcessorForInputType(InputType input) {
        return null;
    }

    @Override
    public boolean isPretrainParam(String name) {
        return false;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType input) {
        return new LayerMemoryReport.Builder(layerName, getClass(), input, input)
                .standardMemory(0, 0)
                .workingMemory(0, 0, 0, 0)
                .cacheMemory(MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }

    @Override
    public SmoeLayer clone() {
        return (SmoeLayer) super.clone();
    }

    @Override
    protected boolean canEqual(Object other) {
        return other instanceof SmoeLayer;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SmoeLayer that
                && super.equals(other)
                && microBatch == that.microBatch
                && model.equals(that.model);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), model, microBatch);
    }
}
