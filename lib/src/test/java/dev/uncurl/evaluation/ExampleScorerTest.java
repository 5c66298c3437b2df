package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
    void scoresDoNotDependOnBatchSize() {
        List<ExampleScorer.Score> one = score(examples(20), 24);
        List<ExampleScorer.Score> many = score(examples(20), 24 * 13);
        for (int e = 0; e < one.size(); e++) {
            assertThat(many.get(e).textLoss()).isCloseTo(one.get(e).textLoss(), within(1e-4));
            assertThat(many.get(e).targetLoss()).isCloseTo(one.get(e).targetLoss(), within(1e-4));
            assertThat(many.get(e).logLikelihoods()).containsExactly(one.get(e).logLikelihoods(), within(1e-4));
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
        int[] tokens = Sequences.fit(example.prompt(), example.target(), 24);
        double expected = 0;
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, 24)) {
            for (int position = tokens.length - example.target().length; position < tokens.length; position++) {
                int[] targets = new int[tokens.length];
                java.util.Arrays.fill(targets, TokenBatch.NONE);
                targets[position - 1] = tokens[position];
                expected -= model.forward(new TokenBatch(tokens, targets, 1, tokens.length))
                        .crossEntropy();
            }
        }
        assertThat(score(List.of(example), 24).get(0).logLikelihoods()[0]).isCloseTo(expected, within(1e-4));
    }

    @Test
    void anAnswerThatLeavesNoRoomForThePromptIsRefusedAndNeverCut() {
        int[] prompt = {1, 2, 3};
        int[] most = new int[23];
        assertThat(score(List.of(new ExampleScorer.Example(prompt, most, List.of(most, prompt))), 24)
                        .get(0)
                        .targetTokens())
                .isEqualTo(23);
        int[] more = new int[24];
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
