package dev.uncurl.model;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/** The weights of small models as one array in the order of the layout. */
public final class WeightArrays {
    private WeightArrays() {}

    public static float[] array(ModelConfig config, Weights weights) {
        var layout = ParameterLayout.of(config);
        var all = new float[(int) layout.length()];
        for (var tensor : layout.tensors()) {
            try {
                weights.read(
                        tensor.name(),
                        (values, count, at) -> System.arraycopy(values, 0, all, (int) tensor.offset() + at, count));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return all;
    }

    public static float[] initial(ModelConfig config, long seed) {
        return array(config, ModelInitialization.of(config, seed));
    }

    public static Weights of(ModelConfig config, float[] all) {
        var layout = ParameterLayout.of(config);
        if (all.length != layout.length()) {
            throw new IllegalArgumentException("The model has " + layout.length() + " parameters, not " + all.length);
        }
        return (name, values) -> {
            var tensor = layout.tensor(name);
            int from = (int) tensor.offset();
            int length = (int) tensor.length();
            values.take(Arrays.copyOfRange(all, from, from + length), length, 0);
        };
    }
}
