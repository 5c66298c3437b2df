package dev.uncurl.kernel.device;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.Random;

/**
 * Parameters of the model that {@link StepBench} times: random ones, but a token's number decides its expert, so that all experts have
 * about as many tokens. Its embedding has a large element at the place that the expert's row of a router reads. Routers that
 * are a few steps from random weights leave half of the experts without any.
 */
final class BenchParameters {
    private static final int BLOCK = 1 << 22;
    /** Much larger than what blocks add to an element of the stream. */
    private static final float CHOICE = 20;

    private BenchParameters() {}

    static void write(ModelConfig config, FlatMemory parameters) {
        var layout = ParameterLayout.of(config);
        var random = new Random(1);
        var noise = new float[BLOCK + 4096];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) (0.02 * random.nextGaussian());
        }
        for (var tensor : layout.tensors()) {
            boolean gain = tensor.name().contains("ln_") && tensor.name().endsWith("weight");
            for (long at = 0; at < tensor.length() && (gain || tensor.decays()); at += BLOCK) {
                int count = (int) Math.min(BLOCK, tensor.length() - at);
                int from = random.nextInt(4096);
                float[] values = Arrays.copyOfRange(noise, from, from + count);
                if (gain) {
                    Arrays.fill(values, 1);
                }
                parameters.matrix(tensor.offset() + at, 1, count).write(values);
            }
        }
        if (config.moeLayers().length > 0) {
            chooseByToken(config, layout, parameters);
        }
    }

    private static void chooseByToken(ModelConfig config, ParameterLayout layout, FlatMemory parameters) {
        int experts = config.moe().experts();
        int width = config.width();
        long embedding = layout.tensor("wte.weight").offset();
        var element = new float[experts];
        for (int token = 0; token < config.vocabulary(); token++) {
            element[token % experts] = CHOICE;
            parameters.matrix(embedding + (long) token * width, 1, experts).write(element);
            element[token % experts] = 0;
        }
        var rows = new float[experts * width];
        for (int expert = 0; expert < experts; expert++) {
            rows[expert * width + expert] = 1;
        }
        for (int layer : config.moeLayers()) {
            long router = layout.tensor(ParameterLayout.router(layer)).offset();
            parameters.matrix(router, experts, width).write(rows);
        }
    }
}
