package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ExampleScorerTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 16, 2, 32, 50, 24, new MoeConfig(4, 1, 2, false, 0.01, 0, 0.5));

    private final INDArray parameters = Nd4j.createFromArray(spread(WeightArrays.initial(CONFIG, 5)));

    /** Weights large enough that choices differ. */
    private static float[] spread(float[] parameters) {
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] *= 5;
        }
        return parameters;
    }

    private static List<ExampleScorer.Example> examples(int count) {
        var random = new SplittableRandom(11);
        var examples = new ArrayList<ExampleScorer.Example>();
        for (int e = 0; e < count; e++) {
            int[] prompt = random.ints(1 + random.nextInt(30), 0, 50).toArray();
            int[] target = random.ints(1 + random.nextInt(4), 0, 50).toArray();
            List<int[]> choices =
                    List.of(target, random.ints(1 + random.nextInt(4), 0, 50).toArray());
            examples.add(new ExampleScorer.Example(prompt, target, choices));
        }
        return examples;
    }

    private List<ExampleScorer.Score> score(List<ExampleScorer.Example> examples, int maxTokens) {
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, maxTokens)) {
            return new ExampleScorer(model, 24, maxTokens).score(examples);
        }
    }

    @Test
    void scoresHaveTheSameBitsForAnyBatchesAndOrder() {
        List<ExampleScorer.Example> examples = examples(40);
        List<String> expected = examples.stream()
                .map(example -> bits(score(List.of(example), 24).get(0)))
                .toList();
        for (int maxTokens : new int[] {24, 31, 100, 24 * 13}) {
            var order =
                    new ArrayList<>(IntStream.range(0, examples.size()).boxed().toList());
            Collections.shuffle(order, new Random(maxTokens));
            List<ExampleScorer.Score> scores =
                    score(order.stream().map(examples::get).toList(), maxTokens);
            for (int i = 0; i < order.size(); i++) {
                assertThat(bits(scores.get(i))).as("%d tokens", maxTokens).isEqualTo(expected.get(order.get(i)));
            }
        }
    }

    /** On a model large enough that its work is cut into pieces. */
    @Test
    void scoresHaveTheSameBitsForAnyNumberOfThreads() {
        var config = new ModelConfig(2, 64, 4, 256, 700, 256, new MoeConfig(5, 2, 2, true, 0.01, 0.001, 0));
        INDArray weights = Nd4j.createFromArray(spread(WeightArrays.initial(config, 1)));
        var random = new SplittableRandom(3);
        var examples = new ArrayList<ExampleScorer.Example>();
        for (int e = 0; e < 12; e++) {
            int[] prompt = random.ints(1 + random.nextInt(220), 0, 700).toArray();
            List<int[]> choices = IntStream.range(0, 1 + random.nextInt(4))
                    .mapToObj(c -> random.ints(1 + random.nextInt(9), 0, 700).toArray())
                    .toList();
            examples.add(new ExampleScorer.Example(prompt, choices.get(0), choices));
        }
        var seen = new HashSet<List<String>>();
        String before = System.getProperty(KernelChoice.THREADS);
        try {
            for (int threads : new int[] {1, 2, 3}) {
                System.setProperty(KernelChoice.THREADS, Integer.toString(threads));
                for (int maxTokens : new int[] {256, 2000}) {
                    try (var model = SmoeLanguageModel.forScoring(config, weights, maxTokens)) {
                        seen.add(new ExampleScorer(model, 256, maxTokens)
                                .score(examples).stream()
                                        .map(ExampleScorerTest::bits)
                                        .toList());
                    }
                }
            }
        } finally {
            if (before == null) {
                System.clearProperty(KernelChoice.THREADS);
            } else {
                System.setProperty(KernelChoice.THREADS, before);
            }
        }
        assertThat(seen).hasSize(1);
    }

    /** Every digit of a score. */
    private static String bits(ExampleScorer.Score score) {
        return Arrays.toString(score.logLikelihoods()) + " " + score.textLoss() + " " + score.targetLoss();
    }

    @Test
    void aChoiceBesideOthersHasTheScoreOfTheChoiceAlone() {
        boolean exact;
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, 24)) {
            exact = model.sequencesAreIndependent();
        }
        for (ExampleScorer.Example example : examples(30)) {
            ExampleScorer.Score together = score(List.of(example), 240).get(0);
            for (int c = 0; c < example.choices().size(); c++) {
                var alone = new ExampleScorer.Example(
                        example.prompt(), example.choices().get(c), List.of());
                assertThat(-score(List.of(alone), 24).get(0).targetLoss())
                        .isCloseTo(together.logLikelihoods()[c], within(exact ? 0 : 1e-4));
            }
        }
    }

    @Test
    void whatSequencesShareIsComputedOnce() {
        int[] prompt = {1, 2, 3, 4, 5, 6};
        // the text reads 6 + 1 tokens, the choices 6 each
        var oneToken = new ExampleScorer.Example(prompt, new int[] {7, 49}, List.of(new int[] {7}, new int[] {8}));
        assertThat(tokens(oneToken, 24)).isEqualTo(new ExampleScorer.Tokens(7 + 6 + 6, 7, 7));
        // trunk of 6 and 9, branches 7, 8 (read by the text) and 11, 12
        var longer = new ExampleScorer.Example(
                prompt, new int[] {9, 7, 8, 49}, List.of(new int[] {9, 7, 8}, new int[] {9, 11, 12, 13}));
        assertThat(tokens(longer, 24)).isEqualTo(new ExampleScorer.Tokens(9 + 8 + 9, 7 + 2 + 2, 11));
        // a branch at a time: the trunk again for the second one
        var many = new ExampleScorer.Example(
                new int[20], new int[] {1, 2, 49}, List.of(new int[] {1, 2}, new int[] {3, 4, 5}));
        assertThat(tokens(many, 24)).isEqualTo(new ExampleScorer.Tokens(22 + 21 + 22, 24, 24));
        assertThat(tokens(new ExampleScorer.Example(new int[20], new int[] {1, 2, 3, 49}, many.choices()), 24))
                .isEqualTo(new ExampleScorer.Tokens(23 + 21 + 22, 25, 23 + 22));
    }

    private ExampleScorer.Tokens tokens(ExampleScorer.Example example, int maxTokens) {
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, maxTokens)) {
            var scorer = new ExampleScorer(model, 24, maxTokens);
            scorer.score(List.of(example));
            return scorer.tokens();
        }
    }

    @Test
    void theRightChoiceIsAsLikelyAsTheTarget() {
        for (ExampleScorer.Score score : score(examples(10), 240)) {
            assertThat(score.logLikelihoods()[0]).isCloseTo(-score.targetLoss(), within(1e-4));
        }
    }

    @Test
    void aScoreIsTheSumOfItsTokensOneByOne() {
        ExampleScorer.Example example = examples(1).get(0);
        int[] tokens = Sequences.fit(example.prompt(), example.target(), 25);
        double expected = 0;
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, 24)) {
            for (int position = tokens.length - example.target().length; position < tokens.length; position++) {
                int[] targets = new int[tokens.length - 1];
                Arrays.fill(targets, TokenBatch.NONE);
                targets[position - 1] = tokens[position];
                int[] read = Arrays.copyOf(tokens, targets.length);
                expected -= model.forward(new TokenBatch(read, targets, 1, read.length))
                        .crossEntropy();
            }
        }
        assertThat(score(List.of(example), 24).get(0).logLikelihoods()[0]).isCloseTo(expected, within(1e-4));
    }

    @Test
    void anAnswerThatLeavesNoRoomForThePromptIsRefusedAndNeverCut() {
        int[] prompt = {1, 2, 3};
        int[] most = new int[24];
        assertThat(score(List.of(new ExampleScorer.Example(prompt, most, List.of(most, prompt))), 24)
                        .get(0)
                        .targetTokens())
                .isEqualTo(24);
        int[] more = new int[25];
        for (var example : List.of(
                new ExampleScorer.Example(prompt, more, List.of()),
                new ExampleScorer.Example(prompt, prompt, List.of(prompt, more)),
                new ExampleScorer.Example(prompt, prompt, List.of(prompt, new int[0])),
                new ExampleScorer.Example(new int[0], prompt, List.of(prompt, prompt)))) {
            assertThatThrownBy(() -> score(List.of(example), 24)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aPromptThatDoesNotFitIsCutFromItsFront() {
        assertThat(Sequences.fit(new int[] {1, 2, 3}, new int[] {4, 5}, 4)).containsExactly(2, 3, 4, 5);
        assertThat(Sequences.nextTokens(new int[] {2, 3, 4, 5}, 2)).containsExactly(-1, 4, 5, -1);
    }
}
