package dev.uncurl.dl4j;

import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Presents all parameters to DL4J as one flat row; {@link ParameterLayout} gives the offsets of the tensors. With thousands of
 * named views, creating a network would be slow, and slices for ranks would not be contiguous.
 */
final class SmoeParameters implements ParamInitializer {
    static final String FLAT = "flat";

    @Override
    public long numParams(NeuralNetConfiguration configuration) {
        return numParams(configuration.getLayer());
    }

    @Override
    public long numParams(Layer layer) {
        return ((SmoeLayer) layer).layout().length();
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return List.of(FLAT);
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return List.of(FLAT);
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return List.of();
    }

    @Override
    public boolean isWeightParam(Layer layer, String name) {
        return FLAT.equals(name);
    }

    @Override
    public boolean isBiasParam(Layer layer, String name) {
        return false;
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration configuration, INDArray view, boolean initialize) {
        configuration.addVariable(FLAT);
        if (initialize) {
            var layer = (SmoeLayer) configuration.getLayer();
            try {
                FlatWeights.of(layer.layout(), view, 0)
                        .write(ModelInitialization.of(layer.modelConfig(), configuration.getSeed()));
            } catch (IOException e) {
                throw new UncheckedIOException("computing initial parameters", e);
            }
        }
        return table(view);
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration configuration, INDArray view) {
        return table(view);
    }

    private static Map<String, INDArray> table(INDArray view) {
        var table = new LinkedHashMap<String, INDArray>();
        table.put(FLAT, view);
        return table;
    }
}
