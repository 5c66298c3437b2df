package dev.uncurl.model;

import dev.uncurl.config.ModelConfig;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * GPT-2's initial parameters: matrices N(0, 0.02), those that write to the residual stream (c_proj) divided by sqrt(2L),
 * biases 0, norms 1. Each tensor draws from a {@link Random} of its own, whose seed is SplitMix64 of (the model's seed
 * xor FNV-1a of the tensor's name); so a tensor's values depend on nothing but seed, name and its own size.
 */
public final class ModelInitialization {
    private static final double DEVIATION = 0.02;

    private ModelInitialization() {}

    /** @return the flat parameters, in the order of {@link ParameterLayout} */
    public static float[] initialize(ModelConfig config, long seed) {
        var layout = ParameterLayout.of(config);
        var parameters = new float[Math.toIntExact(layout.length())];
        double residual = DEVIATION / Math.sqrt(2.0 * config.layers());
        for (var tensor : layout.tensors()) {
            int from = (int) tensor.offset();
            int to = (int) (from + tensor.length());
            if (tensor.shape().size() > 1) {
                double deviation = tensor.name().endsWith("c_proj.weight") ? residual : DEVIATION;
                var random = new Random(mix(seed ^ hash(tensor.name())));
                for (int i = from; i < to; i++) {
                    parameters[i] = (float) (deviation * random.nextGaussian());
                }
            } else if (tensor.name().endsWith(".weight")) {
                Arrays.fill(parameters, from, to, 1f);
            }
        }
        return parameters;
    }

    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L;
        for (byte character : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (character & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    private static long mix(long value) {
        long mixed = value + 0x9e3779b97f4a7c15L;
        mixed = (mixed ^ mixed >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }
}
