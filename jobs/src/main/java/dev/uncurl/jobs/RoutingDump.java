package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.least;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.xxhash64;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.RoutingView;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Runs a model over the examples of a task and writes what its routers did: routing.logits, one row per token and MoE
 * layer. The tokens are those of prompt and right answer as the model sees them; padding has no row.
 */
final class RoutingDump {
    /** Sequences of one forward pass. */
    private static final int BATCH = 8;

    private final Warehouse warehouse;

    RoutingDump(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** The examples to run, with what they will make. */
    record Extent(Dataset<Row> examples, long tokens, long rows, long bytes) {}

    /**
     * @param tokens the first whole examples in the order of the hash of their ids that make at least so many tokens: the
     *     same for every model; 0 for all
     */
    Extent extent(ModelConfig config, String task, String split, long tokens) {
        Dataset<Row> examples = Examples.of(warehouse, task, split)
                .select("example_id", "prompt_tokens", "target_tokens")
                .withColumn(
                        "length",
                        least(
                                size(col("prompt_tokens")).plus(size(col("target_tokens"))),
                                lit(config.sequenceLength())));
        if (tokens > 0) {
            var order = Window.orderBy(xxhash64(col("example_id")), col("example_id"))
                    .rowsBetween(Window.unboundedPreceding(), -1);
            examples = examples.withColumn("before", sum("length").over(order))
                    .where(col("before").isNull().or(col("before").lt(tokens)))
                    .drop("before");
        }
        Row total = examples.agg(sum("length")).first();
        if (total.isNullAt(0)) {
            throw Refusal.input(
                    "There is nothing to dump: " + task + " has no examples in split " + split,
                    "Run tokenize for it first, with the same --warehouse.");
        }
        int layers = config.moeLayers().length;
        long rows = total.getLong(0) * layers;
        int floats = config.moe().experts() + 3 * config.moe().topK();
        return new Extent(examples.drop("length"), total.getLong(0), rows, rows * (4L * floats + 8));
    }

    /** @throws Refusal (input) when the file system of the warehouse has less room than twice the estimate */
    void requireRoom(Extent extent) {
        try {
            long free = warehouse.files().getStatus().getRemaining();
            System.out.printf(
                    Locale.ROOT,
                    "About to write %,d rows (%,d tokens), at most %,.1f MB; %,.1f GB are free%n",
                    extent.rows,
                    extent.tokens,
                    extent.bytes / 1e6,
                    free / 1e9);
            if (free < 2 * extent.bytes) {
                throw Refusal.input(
                        "The dump may take " + extent.bytes + " bytes, " + free + " are free",
                        "Make room, or dump a sample with --tokens.");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(ModelFolder model, String modelId, String task, String split, Extent extent) {
        var reference = ModelCache.Reference.of(warehouse, model);
        Dataset<Row> rows = extent.examples
                .repartition(warehouse.context().defaultParallelism(), col("example_id"))
                .mapPartitions(
                        (MapPartitionsFunction<Row, Row>) examples -> dump(examples, reference, modelId, task, split),
                        Encoders.row(warehouse.table(Tables.LOGITS).schema()));
        warehouse.replace(Tables.LOGITS, rows, "model_id", modelId, "task", task, "split", split);
    }

    private static Iterator<Row> dump(
            Iterator<Row> examples, ModelCache.Reference reference, String modelId, String task, String split) {
        ModelCache.Loaded loaded = reference.load();
        int length = loaded.config().sequenceLength();
        var model = SmoeLanguageModel.forScoring(loaded.config(), loaded.parameters(), BATCH * length);
        TaskContext.get().addTaskCompletionListener((TaskCompletionListener) context -> model.close());
        FlatMapFunction<List<Row>, Row> pass = chunk -> pass(chunk, model, loaded.config(), modelId, task, split);
        return new ChunkedIterator(examples, BATCH, pass);
    }

    private static Iterator<Row> pass(
            List<Row> chunk, SmoeLanguageModel model, ModelConfig config, String modelId, String task, String split) {
        var sequences = new ArrayList<int[]>();
        for (Row row : chunk) {
            sequences.add(Sequences.fit(
                    Examples.ints(row, "prompt_tokens"), Examples.ints(row, "target_tokens"), config.sequenceLength()));
        }
        TokenBatch batch = TokenBatch.ofSequences(sequences);
        model.forward(batch);
        var rows = new ArrayList<Row>();
        for (int layer : config.moeLayers()) {
            RoutingView routing = model.routing(layer);
            for (int r = 0; r < chunk.size(); r++) {
                long id = chunk.get(r).getAs("example_id");
                for (int position = 0; position < sequences.get(r).length; position++) {
                    int token = r * batch.columns() + position;
                    rows.add(RowFactory.create(
                            modelId,
                            task,
                            split,
                            layer,
                            id,
                            position,
                            sequences.get(r)[position],
                            experts(routing, token),
                            floats(routing.topK(), choice -> routing.gate(token, choice)),
                            floats(routing.topK(), choice -> routing.outputNorm(token, choice)),
                            floats(routing.experts(), expert -> routing.logit(token, expert))));
                }
            }
        }
        return rows.iterator();
    }

    private static int[] experts(RoutingView routing, int token) {
        int[] experts = new int[routing.topK()];
        for (int choice = 0; choice < experts.length; choice++) {
            experts[choice] = routing.expert(token, choice);
        }
        return experts;
    }

    /** A float for each of so many indices. */
    private interface FloatAt {
        float at(int index);
    }

    private static float[] floats(int size, FloatAt value) {
        float[] floats = new float[size];
        for (int i = 0; i < size; i++) {
            floats[i] = value.at(i);
        }
        return floats;
    }
}
