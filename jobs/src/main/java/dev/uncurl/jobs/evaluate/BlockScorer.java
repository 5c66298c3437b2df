package dev.uncurl.jobs.evaluate;

import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.processor.Processor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Scores blocks of examples in a task. */
final class BlockScorer implements AutoCloseable {
    /** Size of a scoring batch, in sequences of full length. */
    static final int BATCH = 8;

    private final ScoringKey key;
    private final TokenBytes bytes;
    private final int context;
    /** Null if another one has it. */
    private final Processor processor;

    private final SmoeLanguageModel model;
    private final ExampleScorer scorer;

    /** @param bytes null if the tokenizer is unknown */
    BlockScorer(ScoringKey key, ModelCache.Source source, TokenBytes bytes) {
        this.key = key;
        this.bytes = bytes;
        ModelCache.Loaded loaded = source.load();
        context = loaded.config().sequenceLength();
        processor = TaskProcessor.open();
        try {
            model = OnProcessor.forScoring(processor, loaded.config(), loaded.parameters(), BATCH * context);
        } catch (RuntimeException e) {
            processor.close();
            throw e;
        }
        scorer = new ExampleScorer(model, context, BATCH * context);
    }

    /** As above, with a model for {@value #BATCH} sequences, which {@link #close} closes. */
    BlockScorer(ScoringKey key, SmoeLanguageModel model, TokenBytes bytes) {
        this.key = key;
        this.bytes = bytes;
        this.model = model;
        processor = null;
        context = model.config().sequenceLength();
        scorer = new ExampleScorer(model, context, BATCH * context);
    }

    /** @throws UserError (input) for a score that is not finite */
    List<ScoredRow> score(List<ScoringItem> block) {
        List<ExampleScorer.Score> scores =
                scorer.score(block.stream().map(ScoringItem::example).toList());
        var rows = new ArrayList<ScoredRow>();
        for (int i = 0; i < block.size(); i++) {
            rows.add(row(block.get(i), scores.get(i)));
        }
        return rows;
    }

    private ScoredRow row(ScoringItem item, ExampleScorer.Score score) {
        if (!score.isFinite()) {
            throw UserError.input(
                    "Model " + key + ", example " + item.id() + ": its score is not finite: " + score,
                    "The weights may have grown too large for single precision. Evaluate an earlier or other model.");
        }
        Optional<double[]> likelihoods = Optional.of(score.logLikelihoods()).filter(choices -> choices.length > 0);
        Optional<int[][]> choices = Optional.ofNullable(item.choices()).filter(all -> all.length > 0);
        Optional<TokenBytes> known = Optional.ofNullable(bytes);
        return new ScoredRow(
                key.modelId(),
                key.task(),
                key.split(),
                item.id(),
                likelihoods,
                likelihoods.map(Metric::prediction),
                Optional.ofNullable(item.label()),
                score.textLoss(),
                score.textTokens(),
                score.targetLoss(),
                score.targetTokens(),
                Optional.of(key.manifestSha256()),
                Optional.of(key.data()),
                Optional.ofNullable(key.promptVersion()),
                Optional.of(item.prompt().length),
                known.flatMap(table -> choices.map(
                        all -> Stream.of(all).mapToInt(table::ofChoice).toArray())),
                choices.map(
                        all -> Stream.of(all).mapToInt(choice -> choice.length).toArray()),
                Optional.ofNullable(item.cluster()),
                known.map(table ->
                        table.of(Sequences.fit(item.prompt(), item.target(), ExampleScorer.longest(context)), 1)),
                key.planId(),
                key.router(),
                known.flatMap(table -> choices.map(all ->
                        Stream.of(all).mapToInt(table::charactersOfChoice).toArray())));
    }

    @Override
    public void close() {
        model.close();
        if (processor != null) {
            processor.close();
        }
    }
}
