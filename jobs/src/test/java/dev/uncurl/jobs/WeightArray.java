package dev.uncurl.jobs;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;

/** The weights of a small model as one array in the order of the layout. */
public final class WeightArray {
    private WeightArray() {}

    public static float[] of(ModelFolder model) throws IOException {
        return of(model.config(), model);
    }

    public static float[] of(ModelConfig config, Weights weights) throws IOException {
        try (var array = FlatWeights.load(ParameterLayout.of(config), weights)) {
            return array.data().asFloat();
        }
    }
}
