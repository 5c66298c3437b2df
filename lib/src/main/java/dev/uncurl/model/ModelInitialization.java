package dev.uncurl.model;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * GPT-2's initial parameters: matrices N(0, 0.02), those that write to the residual stream (c_proj) divided by sqrt(2L),
 * biases 0, norms 1. An element is a function of the model's seed, the tensor's name and the element's index alone: with
 * key = mix(seed xor FNV-1a of the name), element i is the normal quantile of the upper 53 bits of mix(key + i * phi),
 * where mix and phi are those of SplitMix64. So any process can compute any part of a model.
 */
public final class ModelInitialization {
    private static final double DEVIATION = 0.02;
    private static final long PHI = 0x9e3779b97f4a7c15L;

    private ModelInitialization() {}

    /** The initial parameters of a model, computed whenever they are read. */
    public static Weights of(ModelConfig config, long seed) {
        var layout = ParameterLayout.of(config);
        return (name, values) -> {
            var tensor = layout.tensor(name);
            int length = Math.toIntExact(tensor.length());
            var part = new float[Math.min(Weights.PART, length)];
            for (int at = 0; at < length; at += part.length) {
                int count = Math.min(part.length, length - at);
                fill(tensor, config.layers(), seed, at, part, 0, count);
                values.take(part, count, at);
            }
        };
    }

    /**
     * Computes a range of one tensor.
     *
     * @param layers L of the model
     * @param from index of the first element in the tensor, row-major
     * @param into receives the elements in {@code into[offset .. offset + count - 1]}
     */
    public static void fill(
            ParameterLayout.Tensor tensor, int layers, long seed, long from, float[] into, int offset, int count) {
        if (tensor.shape().size() < 2) {
            Arrays.fill(into, offset, offset + count, tensor.name().endsWith(".weight") ? 1f : 0f);
            return;
        }
        double deviation = tensor.name().endsWith("c_proj.weight") ? DEVIATION / Math.sqrt(2.0 * layers) : DEVIATION;
        long key = mix(seed ^ hash(tensor.name()));
        for (int i = 0; i < count; i++) {
            long bits = mix(key + (from + i) * PHI) >>> 11;
            into[offset + i] = (float) (deviation * NormalQuantile.of((bits + 0.5) * 0x1p-53));
        }
    }

    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L;
        for (byte character : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (character & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    private static long mix(long value) {
        long mixed = value + PHI;
        mixed = (mixed ^ mixed >>> 30) * 0xbf58476d1ce4e5b9L;
        mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
        return mixed ^ mixed >>> 31;
    }
}
