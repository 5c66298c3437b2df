package dev.uncurl.evaluation;

import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Scores examples with a model: the log-likelihood of each choice given the prompt, and the loss on prompt and right
 * answer. A sequence may have one token more than the model's context, because the last one is predicted and not read. A
 * longer one is truncated at the front of the prompt, never in an answer: a choice or target that leaves no room for a
 * token of the prompt is refused. A text without a prompt is truncated at its front. So does lm-evaluation-harness.
 *
 * <p>What sequences of an example share, such as the prompt, is computed once ({@link PassTree}), and batches have no
 * padding. The bits of a score depend on the example and the model alone, for any size of batches, order of examples and
 * number of threads. Where the model's sequences are not independent to the bit ({@link
 * SmoeLanguageModel#sequencesAreIndependent}), examples are therefore computed one at a time, which is slower.
 *
 * <p>A choice that has no prompt, as the sentences of a minimal pair, is scored after the end-of-text token, as
 * lm-evaluation-harness does. The caller gives that token as the prompt.
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

    /**
     * Tokens that a scorer has dealt with.
     *
     * @param separate input tokens of all sequences, each on its own
     * @param useful those that are left when what the sequences of an example share counts once
     * @param computed those that the model computed: a shared prompt is computed again for choices that do not fit into one
     *     batch
     */
    public record Tokens(long separate, long useful, long computed) {}

    private final SmoeLanguageModel model;
    private final int context;
    private final int maxTokens;
    private long separate;
    private long useful;
    private long computed;

    /**
     * @param context the most tokens that a sequence gives the model to read
     * @param maxTokens positions of one batch, the limit of the model; at least {@code context}
     */
    public ExampleScorer(SmoeLanguageModel model, int context, int maxTokens) {
        this.model = model;
        this.context = context;
        this.maxTokens = maxTokens;
    }

    /** The most tokens of a sequence to score: the last one is predicted and not read. */
    public static int longest(int context) {
        return context + 1;
    }

    private boolean fits(int promptTokens, int answerTokens) {
        return Math.min(promptTokens, 1) + answerTokens <= longest(context);
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
        if (!fits(prompt.length, answer.length)) {
            throw new IllegalArgumentException(
                    "An answer of " + answer.length + " tokens does not fit into a context of " + context);
        }
    }

    /**
     * The scores in the order of the examples.
     *
     * @throws IllegalArgumentException for an answer that does not fit, or a choice without a token
     *     or prompt
     */
    public List<Score> score(List<Example> examples) {
        var scores = new Accumulated(examples);
        boolean together = model.sequencesAreIndependent();
        var batch = new ScoringBatch();
        for (int e = 0; e < examples.size(); e++) {
            requireFit(examples.get(e));
            for (PassTree tree : trees(e, examples.get(e))) {
                List<PassTree.Piece> all = List.of(new PassTree.Piece(
                        tree, IntStream.range(0, tree.leaves().size()).boxed().toList()));
                useful += all.get(0).tokens();
                // a limit that does not depend on maxTokens: the bits may depend on the piece
                for (PassTree.Piece piece : tree.pieces(together ? maxTokens : context)) {
                    if (batch.size() > 0 && (!together || batch.size() + piece.tokens() > maxTokens)) {
                        run(batch, scores);
                        batch = new ScoringBatch();
                    }
                    batch.add(piece);
                }
            }
        }
        if (batch.size() > 0) {
            run(batch, scores);
        }
        return scores.toList();
    }

    /** Of all examples so far. */
    public Tokens tokens() {
        return new Tokens(separate, useful, computed);
    }

    /** The sequences of an example, those that begin at the same token of the prompt in one tree. */
    private Collection<PassTree> trees(int e, Example example) {
        var byStart = new TreeMap<Integer, List<PassTree.Pass>>();
        add(e, PassTree.Pass.TEXT, example.prompt, example.target, byStart);
        for (int c = 0; c < example.choices.size(); c++) {
            add(e, c, example.prompt, example.choices.get(c), byStart);
        }
        return byStart.values().stream().map(PassTree::of).toList();
    }

    private void add(int e, int choice, int[] prompt, int[] answer, Map<Integer, List<PassTree.Pass>> byStart) {
        int[] tokens = Sequences.fit(prompt, answer, longest(context));
        int from = choice == PassTree.Pass.TEXT ? 1 : tokens.length - answer.length;
        int start = prompt.length + answer.length - tokens.length;
        if (tokens.length > 1) {
            separate += tokens.length - 1;
            byStart.computeIfAbsent(start, key -> new ArrayList<>())
                    .add(new PassTree.Pass(e, choice, tokens, from, start));
        }
    }

    private void run(ScoringBatch batch, Accumulated scores) {
        computed += batch.size();
        double[] logProbabilities = model.logProbabilities(batch.toBatch());
        for (ScoringBatch.Predictions predictions : batch.passes()) {
            for (int i = 0; i < predictions.index().length; i++) {
                int fromEnd = predictions.index().length - i;
                scores.add(
                        predictions.pass(),
                        fromEnd,
                        logProbabilities[predictions.index()[i]]);
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
        void add(PassTree.Pass pass, int fromEnd, double logProbability) {
            int e = pass.example();
            if (pass.choice() != PassTree.Pass.TEXT) {
                choices[e][pass.choice()] += logProbability;
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
