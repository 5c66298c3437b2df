package dev.uncurl.evaluation;

import dev.uncurl.model.ModelSize;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Times forward passes of several models on this thread (and those of its kernels), one pass of each model in turn. Tokens
 * are random, and every position is predicted. All models are in memory together.
 */
public final class Latency implements AutoCloseable {
    private static final long TOKEN_SEED = 1;

    /** A model to be timed. The parameters are read in place. */
    public record Model(ModelConfig config, INDArray parameters) {}

    /**
     * A batch of {@code batch} sequences of {@code sequenceLength} tokens each.
     *
     * @param warmup passes of each model that are run first and not timed
     * @param repeats timed passes of each model
     */
    public record Setting(int batch, int sequenceLength, int warmup, int repeats) implements Serializable {
        public Setting {
            if (batch < 1 || sequenceLength < 1 || warmup < 0 || repeats < 1) {
                throw new IllegalArgumentException("A setting needs a batch, a length and a repeat: " + batch + ", "
                        + sequenceLength + ", " + repeats + " (warm-up " + warmup + ")");
            }
        }

        public long tokens() {
            return (long) batch * sequenceLength;
        }
    }

    private final List<SmoeLanguageModel> models = new ArrayList<>();
    private final boolean owner;

    /**
     * Allocates the memory of all models.
     *
     * @param maxTokens tokens of the largest setting
     */
    public Latency(List<Model> models, int maxTokens) {
        owner = true;
        try {
            for (Model model : models) {
                this.models.add(SmoeLanguageModel.forScoring(model.config(), model.parameters(), maxTokens));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Models that exist, such as those whose experts are divided among ranks: every rank then calls {@link #measure} with the same
     * settings. The caller closes them.
     */
    public Latency(List<SmoeLanguageModel> models) {
        owner = false;
        this.models.addAll(models);
    }

    /**
     * Checks that the models fit into the memory of this process together, before they are loaded.
     *
     * @throws dev.uncurl.error.UserError (usage) if they do not
     */
    public static void checkMemory(List<ModelConfig> models, List<Setting> settings) {
        ModelSize.checkScoringTogether(
                models, settings.stream().mapToLong(Setting::tokens).max().orElse(1));
    }

    /** Threads that compute a pass. */
    public int threads() {
        return models.stream().mapToInt(SmoeLanguageModel::threads).max().orElse(1);
    }

    /**
     * Times all models at one setting.
     *
     * @return the times of each model, in the order of the models
     */
    public List<PassTimes> measure(Setting setting) {
        return new TimedPasses(
                        models.stream()
                                .map(model -> new OneModel(model, tokens(model.config(), setting)))
                                .toList(),
                        System::nanoTime)
                .measure(setting.warmup(), setting.repeats());
    }

    private record OneModel(SmoeLanguageModel model, TokenBatch batch) implements TimedPasses.Subject {
        @Override
        public void pass() {
            model.forward(batch);
        }

        @Override
        public Map<String, Long> partNanos() {
            return model.partNanos();
        }
    }

    /** The same tokens for all models of one vocabulary. */
    private static TokenBatch tokens(ModelConfig config, Setting setting) {
        var random = new SplittableRandom(TOKEN_SEED);
        int positions = (int) setting.tokens();
        int[] tokens = random.ints(positions, 0, config.vocabulary()).toArray();
        int[] targets = random.ints(positions, 0, config.vocabulary()).toArray();
        return new TokenBatch(tokens, targets, setting.batch(), setting.sequenceLength());
    }

    @Override
    public void close() {
        if (owner) {
            models.forEach(SmoeLanguageModel::close);
        }
    }
}
