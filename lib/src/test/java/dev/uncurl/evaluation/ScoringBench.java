package dev.uncurl.evaluation;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.tokenizer.PromptTokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code OPENBLAS_CORETYPE=SKYLAKEX mvn -pl lib test -Dtest=ScoringBench -Dsurefire.failIfNoSpecifiedTests=false}: tokens per
 * second of scoring validation examples with preset {@code bench}, as a share of forward passes over full batches of the same
 * model, in turn, for one thread and all: of BoolQ (long prompts) and COPA (short ones). The variable is for AMD processors
 * with AVX-512. {@code -Dbench.rounds=6} says how often each is timed; the median counts. {@code -Dbench.tasks=BoolQ} chooses.
 */
final class ScoringBench {
    private static final ModelConfig BENCH =
            new ModelConfig(4, 256, 8, 1024, 8192, 256, new MoeConfig(8, 1, 2, false, 0.01, 0.001, 0));
    private static final int BATCH = 8 * BENCH.sequenceLength();
    private static final int ROUNDS = Integer.getInteger("bench.rounds", 6);
    private static final List<String> TASKS =
            List.of(System.getProperty("bench.tasks", "BoolQ,COPA").split(","));
    private static final int EXAMPLES = Integer.getInteger("bench.examples", 320);

    /** Named so that only whoever asks for it by name runs it. */
    @Test
    void bench() {
        INDArray parameters = Nd4j.createFromArray(WeightArrays.initial(BENCH, 1));
        for (String task : TASKS) {
            List<ExampleScorer.Example> examples = examples(task);
            System.out.println(task);
            for (int threads : new int[] {1, Runtime.getRuntime().availableProcessors()}) {
                System.setProperty(KernelChoice.THREADS, Integer.toString(threads));
                try (var model = SmoeLanguageModel.forScoring(BENCH, parameters, BATCH)) {
                    measure(model, examples, threads);
                }
            }
        }
    }

    /** @param task as SuperGLUE spells it */
    private static List<ExampleScorer.Example> examples(String task) {
        String format = "superglue/" + task.toLowerCase(Locale.ROOT);
        String file = "superglue/" + task + "/val.jsonl";
        var tokenizer = Gpt2Tokenizer.of(BENCH.vocabulary());
        var all = new ArrayList<ExampleScorer.Example>();
        for (Example example : Corpora.only(Example.class, Corpora.read(format, file))) {
            var prompt = PromptTokens.of(tokenizer, example.inputs());
            int[] right = prompt.continuation(example.targets());
            int[] target = Arrays.copyOf(right, right.length + 1);
            target[right.length] = tokenizer.endOfText();
            all.add(new ExampleScorer.Example(
                    prompt.ids(),
                    target,
                    example.choices().stream().map(prompt::continuation).toList()));
        }
        return all.subList(0, Math.min(EXAMPLES, all.size()));
    }

    private static void measure(SmoeLanguageModel model, List<ExampleScorer.Example> examples, int threads) {
        var random = new SplittableRandom(1);
        var full = new TokenBatch(
                random.ints(BATCH, 0, BENCH.vocabulary()).toArray(),
                random.ints(BATCH, 0, BENCH.vocabulary()).toArray(),
                BATCH / BENCH.sequenceLength(),
                BENCH.sequenceLength());
        double[] scoring = new double[ROUNDS];
        double[] forward = new double[ROUNDS];
        var tokens = new ExampleScorer.Tokens(0, 0, 0);
        for (int round = -1; round < ROUNDS; round++) {
            var scorer = new ExampleScorer(model, BENCH.sequenceLength(), BATCH);
            long start = System.nanoTime();
            scorer.score(examples);
            long scored = System.nanoTime();
            tokens = scorer.tokens();
            int passes = Math.max(1, Math.round((float) tokens.computed() / BATCH));
            for (int pass = 0; pass < passes; pass++) {
                model.forward(full);
            }
            long end = System.nanoTime();
            if (round >= 0) {
                scoring[round] = tokens.useful() * 1e9 / (scored - start);
                forward[round] = (double) passes * BATCH * 1e9 / (end - scored);
            }
        }
        System.out.printf(
                "%d thread(s), %s: scoring %.0f tokens/s, forward only %.0f, share %.3f%n",
                threads,
                model.sequencesAreIndependent() ? "examples together" : "an example at a time",
                median(scoring),
                median(forward),
                median(scoring) / median(forward));
        System.out.printf(
                "  %d examples: %d tokens one by one, %d useful, %d computed, useful over computed %.3f%n",
                examples.size(),
                tokens.separate(),
                tokens.useful(),
                tokens.computed(),
                (double) tokens.useful() / tokens.computed());
    }

    private static double median(double[] values) {
        double[] sorted = Arrays.stream(values).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
