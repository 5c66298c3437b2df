package dev.uncurl.jobs.train;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.collective.Collectives;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.SmoeLanguageModel;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/**
 * Computes the loss of a model during training on a part of the validation split of its data. The sequences are
 * selected by the hash of their ids, so they are the same every time and in every run. They are scored in the same way
 * as by evaluate, in as many Spark tasks as training has ranks.
 */
final class Validation {
    private final Warehouse warehouse;
    private final TrainConfig train;
    private final List<Text> texts;

    private record Text(int[] prompt, int[] target) implements Serializable {}

    /** Summed cross-entropy and predicted tokens. */
    private record Sum(double loss, long tokens) implements Serializable {}

    private Validation(Warehouse warehouse, TrainConfig train, List<Text> texts, String what) {
        this.warehouse = warehouse;
        this.train = train;
        this.texts = texts;
        if (texts.isEmpty() && train.validation().every() > 0) {
            System.out.println("No validation: " + what + " has no rows in the validation split.");
        }
    }

    /** Validation on packed sequences of corpora. */
    static Validation sequences(Warehouse warehouse, List<String> corpora, TrainConfig train) {
        Dataset<Row> rows = warehouse
                .table(UncurlTable.SEQUENCES)
                .where(col("corpus").isin(corpora.toArray()).and(col("split").equalTo("validation")));
        var texts = new ArrayList<Text>();
        for (Row row : selected(rows, train, "corpus", "sequence_id")) {
            int[] padded = Examples.ints(row, "tokens");
            texts.add(new Text(
                    new int[0],
                    Arrays.stream(padded).filter(token -> token >= 0).toArray()));
        }
        return new Validation(warehouse, train, texts, String.join(", ", corpora));
    }

    /**
     * Validation on examples of a task, or of all tasks of a corpus. Leaves out examples whose answer leaves no room
     * for the prompt in the context.
     */
    static Validation examples(Warehouse warehouse, String task, TrainConfig train, int context) {
        var texts = new ArrayList<Text>();
        Dataset<Row> fitting =
                Examples.of(warehouse, task, "validation").where(Examples.fit(size(col("target_tokens")), context));
        for (Row row : selected(fitting, train, "task", "example_id")) {
            texts.add(new Text(Examples.ints(row, "prompt_tokens"), Examples.ints(row, "target_tokens")));
        }
        return new Validation(warehouse, train, texts, task);
    }

    private static List<Row> selected(Dataset<Row> rows, TrainConfig train, String name, String id) {
        return train.validation().every() == 0
                ? List.of()
                : rows.orderBy(xxhash64(col(name), col(id)), col(name), col(id))
                        .limit(train.validation().sequences())
                        .collectAsList();
    }

    boolean isDue(int stepsBefore, int stepsAfter) {
        return !texts.isEmpty() && train.isDue(train.validation().every(), stepsBefore, stepsAfter);
    }

    /**
     * Returns the mean cross-entropy per predicted token, nats.
     *
     * @param model folder with the current weights, readable by the tasks
     * @throws UserError (diverged) if the loss is not finite
     */
    double loss(ModelFolder model) {
        boolean onTarget = train.lossOn() == TrainConfig.LossOn.TARGET;
        int positions = train.microBatch() * model.config().sequenceLength();
        var reference = ModelCache.Reference.of(warehouse, model);
        List<Sum> sums = train.expertParallel() > 1
                ? divided(reference, onTarget)
                : GpuStage.of(warehouse
                                .context()
                                .parallelize(texts, train.ranks())
                                .rdd())
                        .toJavaRDD()
                        .mapPartitions(part -> score(part, reference, positions, onTarget))
                        .collect();
        double loss = 0;
        long tokens = 0;
        for (Sum sum : sums) { // in the order of the sequences
            loss += sum.loss;
            tokens += sum.tokens;
        }
        if (!Double.isFinite(loss / tokens)) {
            throw UserError.diverged(
                    "The loss on the validation split is " + loss + " over " + tokens + " tokens",
                    tokens == 0
                            ? "Its texts have only one token each: set train.validation.every=0."
                            : "To train from the start, lower train.learning-rate or train.clip.");
        }
        return loss / tokens;
    }

    private static Iterator<Sum> score(
            Iterator<Text> texts, ModelCache.Reference reference, int positions, boolean onTarget) {
        var examples = new ArrayList<ExampleScorer.Example>();
        texts.forEachRemaining(text -> examples.add(new ExampleScorer.Example(text.prompt, text.target, List.of())));
        ModelCache.Loaded loaded = reference.load();
        try (var processor = TaskProcessor.open();
                var model = OnProcessor.forScoring(processor, loaded.config(), loaded.parameters(), positions)) {
            return score(examples, model, positions, onTarget).iterator();
        }
    }

    private static List<Sum> score(
            List<ExampleScorer.Example> examples, SmoeLanguageModel model, int positions, boolean onTarget) {
        return new ExampleScorer(model, model.config().sequenceLength(), positions)
                .score(examples).stream()
                        .map(score -> onTarget
                                ? new Sum(score.targetLoss(), score.targetTokens())
                                : new Sum(score.textLoss(), score.textTokens()))
                        .toList();
    }

    /** The ranks of the training score, each with its part of the experts. */
    private List<Sum> divided(ModelCache.Reference reference, boolean onTarget) {
        boolean local = warehouse.context().isLocal();
        int slots = local ? warehouse.context().defaultParallelism() : train.ranks();
        var stage = new RankStage(train.ranks(), local, slots);
        List<Tuple2<Integer, Text>> numbered = IntStream.range(0, texts.size())
                .mapToObj(i -> new Tuple2<>(i, texts.get(i)))
                .toList();
        var work = new Divided(
                new DividedModel.Division(reference, train.expertParallel(), slots), train.microBatch(), onTarget);
        var sums = new TreeMap<Integer, Sum>();
        var rows = warehouse.context().parallelize(numbered, stage.partitions()).rdd();
        stage.run("validate", rows, work).forEach(sums::putAll);
        return List.copyOf(sums.values());
    }

    /** A rank of those that divide the experts. @param batch the most texts of full length at a time */
    private record Divided(DividedModel.Division division, int batch, boolean onTarget)
            implements RankStage.Work<Tuple2<Integer, Text>, Tuple2<Integer, Text>, TreeMap<Integer, Sum>> {
        @Override
        public Iterator<Tuple2<Integer, Text>> units(Iterator<Tuple2<Integer, Text>> rows) {
            return rows;
        }

        @Override
        public TreeMap<Integer, Sum> run(Collectives ranks, Iterator<Tuple2<Integer, Text>> units) throws IOException {
            var numbers = new ArrayList<Integer>();
            var examples = new ArrayList<ExampleScorer.Example>();
            units.forEachRemaining(unit -> {
                numbers.add(unit._1());
                examples.add(new ExampleScorer.Example(unit._2().prompt, unit._2().target, List.of()));
            });
            var sums = new TreeMap<Integer, Sum>();
            try (var divided = division.load(ranks, batch)) {
                int positions = batch * divided.config().sequenceLength();
                List<Sum> own = score(examples, divided.model(), positions, onTarget);
                divided.model().joinPasses();
                for (int i = 0; i < own.size(); i++) {
                    sums.put(numbers.get(i), own.get(i));
                }
            }
            return sums;
        }
    }
}
