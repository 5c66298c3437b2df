package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.Random;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Measures what this process computes in a second: steps of two of a model's blocks, with two experts at most, so that it takes
 * some seconds also for a large model.
 */
final class RateProbe {
    private static final int BLOCKS = 2;
    private static final int MOST_VOCABULARY = 8192;
    private static final int MOST_LENGTH = 256;
    private static final int TOKENS = 1024;
    private static final int REPEATS = 3;

    private RateProbe() {}

    /** Billions of floating-point operations of {@link StepCost#operationsPerToken} in a second, of the fastest of some steps. */
    static double gigaflops(ModelConfig model) {
        ModelConfig part = part(model);
        MultiLayerNetwork network = SmoeNetwork.create(part, new FusedAdamW(1e-4), 1);
        try {
            var data = SmoeNetwork.dataSet(batch(part));
            network.fit(data); // the compiler's part
            long best = Long.MAX_VALUE;
            for (int i = 0; i < REPEATS; i++) {
                long start = System.nanoTime();
                network.fit(data);
                best = Math.min(best, System.nanoTime() - start);
            }
            return StepCost.operationsPerToken(part) * data.getFeatures().length() / best;
        } finally {
            SmoeNetwork.release(network);
        }
    }

    private static ModelConfig part(ModelConfig model) {
        MoeConfig moe = model.moe();
        int experts = Math.min(2, moe.experts());
        return new ModelConfig(
                BLOCKS,
                model.width(),
                model.heads(),
                model.feedForward(),
                Math.min(MOST_VOCABULARY, model.vocabulary()),
                Math.min(MOST_LENGTH, model.sequenceLength()),
                new MoeConfig(
                        experts,
                        Math.max(1, Math.min(experts, moe.topK())),
                        Math.min(BLOCKS, moe.every()),
                        moe.renormalize(),
                        moe.balanceLoss(),
                        moe.zLoss(),
                        0));
    }

    private static TokenBatch batch(ModelConfig model) {
        int columns = model.sequenceLength();
        int rows = Math.max(1, TOKENS / columns);
        int[] tokens =
                new Random(1).ints((long) rows * columns, 0, model.vocabulary()).toArray();
        return new TokenBatch(tokens, tokens, rows, columns);
    }
}
