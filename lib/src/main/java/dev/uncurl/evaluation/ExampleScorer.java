package dev.uncurl.evaluation;

import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Scores examples with a model: the log-likelihood of each choice given the prompt, and the loss on prompt and right
 * answer. A sequence that exceeds the model's sequence length is truncated at the front of the prompt, never in an
 * answer: a choice or target that leaves no room for a token of the prompt is refused. A text without a prompt is
 * truncated at its front. Sequences are batched by length; neither padding nor other sequences of the batch affect a
 * score, since experts have no capacity limit here.
 */
public final class ExampleScorer {
    /**
     * An example as token ids.
     *
     * @param choices the possible answers; empty for free text
     */
    public record Example(int[] prompt, int[] target, List<int[]> choices) {}

    /**
     * @param logLikelihoods of each choice given the prompt, nats
     * @param textLoss cross-entropy of prompt and target, summed over {@code textTokens}, nats
     * @param targetLoss cross-entropy of the target given the prompt, summed over {@code targetTokens}, nats
     */
    public record Score(double[] logLikelihoods, double textLoss, int textTokens, double targetLoss, int targetTokens) {
        /** Whether all are finite. */
        public boolean isFinite() {
            return Double.isFinite(textLoss)
                    && Double.isFinite(targetLoss)
                    && Arrays.stream(logLikelihoods).allMatch(Double::isFinite);
        }
    }

    /** One sequence to score, whose tokens from index {@code from} on are predicted. */
    private record Pass(int example, int choice, int[] tokens, int from) {}

    private static final int TEXT = -1;

    private final SmoeLanguageModel model;
    private final int sequenceLength;
    private final int maxTokens;

    /** @param maxTokens positions of one batch, the limit of the model; at least the sequence length */
    public ExampleScorer(SmoeLanguageModel model, int sequenceLength, int maxTokens) {
        this.model = model;
        this.sequenceLength = sequenceLength;
        this.maxTokens = maxTokens;
    }

    /** Whether an answer and the last token of its prompt fit into a context of {@code context} tokens. */
    public static boolean fits(int promptTokens, int answerTokens, int context) {
        return Math.min(promptTokens, 1) + answerTokens <= context;
    }

    private void requireFit(Example example) {
        for (int[] choice : example.choices) {
            if (choice.length == 0 || example.prompt.length == 0) {
                throw new IllegalArgumentException("A choice needs a token, and a prompt before it");
            }
            requireFit(example.prompt, choice);
        }
        if (example.prompt.length > 0) {
            requireFit(example.prompt, example.target);
        }
    }

    private void requireFit(int[] prompt, int[] answer) {
        if (!fits(prompt.length, answer.length, sequenceLength)) {
            throw new IllegalArgumentException(
                    "An answer of " + answer.length + " tokens does not fit into " + sequenceLength);
        }
    }

    /**
     * The scores in the order of the examples.
     *
     * @throws IllegalArgumentException for an answer that does not {@linkplain #fits fit}, or a choice without a token
     *     or prompt
     */
    public List<Score> score(List<Example> examples) {
        var passes = new ArrayList<Pass>();
        for (int e = 0; e < examples.size(); e++) {
            Example example = examples.get(e);
            requireFit(example);
            passes.add(new Pass(e, TEXT, Sequences.fit(example.prompt, example.target, sequenceLength), 1));
            for (int c = 0; c < example.choices.size(); c++) {
                int[] choice = example.choices.get(c);
                int[] tokens = Sequences.fit(example.prompt, choice, sequenceLength);
                passes.add(new Pass(e, c, tokens, tokens.length - choice.length));
            }
        }
        passes.sort(Comparator.comparingInt(pass -> pass.tokens.length));
        var scores = new Accumulated(examples);
        int from = 0;
        while (from < passes.size()) {
            int to = from + 1;
            while (to < passes.size() && (to - from + 1) * passes.get(to).tokens.length <= maxTokens) {
                to++;
            }
            run(passes.subList(from, to), scores);
            from = to;
        }
        return scores.toList();
    }

    private void run(List<Pass> passes, Accumulated scores) {
        var tokens = new ArrayList<int[]>();
        var targets = new ArrayList<int[]>();
        for (Pass pass : passes) {
            tokens.add(pass.tokens);
            targets.add(Sequences.nextTokens(pass.tokens, pass.from));
        }
        var batch = Sequences.padded(tokens, targets);
        model.forward(batch);
        float[] logProbabilities = model.targetLogProbabilities();
        for (int row = 0; row < passes.size(); row++) {
            Pass pass = passes.get(row);
            for (int position = Math.max(pass.from, 1); position < pass.tokens.length; position++) {
                double value = logProbabilities[row * batch.columns() + position - 1];
                scores.add(pass, pass.tokens.length - position, value);
            }
        }
    }

    /** Sums in the order of positions, independent of the batches. */
    private static final class Accumulated {
        private final List<Example> examples;
        private final double[][] choices;
        private final double[] text;
        private final int[] textTokens;
        private final double[] target;
        private final int[] targetTokens;

        Accumulated(List<Example> examples) {
            this.examples = examples;
            int n = examples.size();
            choices = new double[n][];
            for (int e = 0; e < n; e++) {
                choices[e] = new double[examples.get(e).choices.size()];
            }
            text = new double[n];
            textTokens = new int[n];
            target = new double[n];
            targetTokens = new int[n];
        }

        /** @param fromEnd 1 for the last token of the sequence */
        void add(Pass pass, int fromEnd, double logProbability) {
            int e = pass.example;
            if (pass.choice != TEXT) {
                choices[e][pass.choice] += logProbability;
                return;
            }
            text[e] -= logProbability;
            textTokens[e]++;
            if (fromEnd <= examples.get(e).target.length) {
                target[e] -= logProbability;
                targetTokens[e]++;
            }
        }

        List<Score> toList() {
            var scores = new ArrayList<Score>();
            for (int e = 0; e < choices.length; e++) {
                scores.add(new Score(choices[e], text[e], textTokens[e], target[e], targetTokens[e]));
            }
            return scores;
        }
    }
}
