package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/** Models with random weights and tasks of random tokens, put into a warehouse without training or tokenising. */
public final class RoutingFixture {
    public static final int CONTEXT = 24;

    private RoutingFixture() {}

    /** Four blocks, two of them with experts. */
    public static ModelConfig config(int experts, int topK) {
        return new ModelConfig(4, 16, 2, 32, 900, CONTEXT, new MoeConfig(experts, topK, 2, false, 0.01, 0.001));
    }

    /** A registered model; its routers are sharp enough to prefer some experts. */
    public static ModelFolder model(Warehouse warehouse, String id, ModelConfig config, long seed) {
        return model(warehouse, id, config, seed, "random");
    }

    /** @param tokenizer fingerprint of the one that its tasks are tokenised with */
    public static ModelFolder model(Warehouse warehouse, String id, ModelConfig config, long seed, String tokenizer) {
        Weights initial = ModelInitialization.of(config, seed);
        Weights sharp = (tensor, values) -> initial.read(tensor, (part, count, at) -> {
            for (int i = 0; i < count && tensor.endsWith("router.weight"); i++) {
                part[i] *= 25;
            }
            values.take(part, count, at);
        });
        var lineage = Lineage.here(null, "pretrain", Map.of("tokenizer", tokenizer), "test", "test");
        try {
            ModelFolder model = ModelFolder.write(warehouse.files(), warehouse.modelFolder(id), config, sharp, lineage);
            new Models(warehouse).register(id, model);
            return model;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Examples of random length, some of them longer than the context, as if a tokenise run had made them. */
    public static void task(Warehouse warehouse, String task, int examples, long seed) {
        run(warehouse, task);
        examples(warehouse, task, examples, seed);
    }

    public static void run(Warehouse warehouse, String corpus) {
        run(warehouse, corpus, Map.of());
    }

    /** @param rejected rows that tokenize rejected, by split */
    public static void run(Warehouse warehouse, String corpus, Map<String, Long> rejected) {
        append(
                warehouse,
                UncurlTable.RUNS,
                List.of(Map.of(
                        "run_id",
                        "0123456789abcdef" + corpus,
                        "corpus",
                        corpus,
                        "tokenizer",
                        "random",
                        "vocabulary",
                        900,
                        "sequence_length",
                        CONTEXT,
                        "rejected_by_split",
                        scala.collection.JavaConverters.mapAsScalaMap(rejected))));
    }

    public static void examples(Warehouse warehouse, String task, int examples, long seed) {
        var random = new Random(seed);
        var rows = new ArrayList<Map<String, Object>>();
        for (long id = 0; id < examples; id++) {
            rows.add(Map.of(
                    "task",
                    task,
                    "split",
                    "train",
                    "example_id",
                    id,
                    "prompt_tokens",
                    tokens(random, 1 + random.nextInt(CONTEXT + 6)),
                    "target_tokens",
                    tokens(random, 1 + random.nextInt(4)),
                    "prompt_version",
                    "1"));
        }
        append(warehouse, UncurlTable.EXAMPLES, rows);
    }

    /** Small ids are the likelier, as in text. */
    public static int[] tokens(Random random, int length) {
        int[] tokens = new int[length];
        for (int i = 0; i < length; i++) {
            tokens[i] = (int) (899 * Math.pow(random.nextDouble(), 2));
        }
        return tokens;
    }

    /** Appends rows that give values of some columns only. */
    public static void append(Warehouse warehouse, UncurlTable table, List<Map<String, Object>> given) {
        StructType schema = warehouse.table(table).schema();
        var rows = new ArrayList<Row>();
        for (Map<String, Object> values : given) {
            var row = new ArrayList<Object>();
            for (StructField field : schema.fields()) {
                Object value = values.get(field.name());
                row.add(value != null ? value : field.nullable() ? null : nothing(field.dataType()));
            }
            rows.add(RowFactory.create(row.toArray()));
        }
        try {
            warehouse
                    .spark()
                    .createDataFrame(rows, schema)
                    .writeTo(table.fullName())
                    .append();
        } catch (NoSuchTableException e) {
            throw new IllegalStateException(table.id(), e);
        }
    }

    private static Object nothing(DataType type) {
        if (type instanceof ArrayType) {
            return new Object[0];
        }
        if (type instanceof MapType) {
            return scala.collection.JavaConverters.mapAsScalaMap(Map.of());
        }
        if (type.equals(DataTypes.TimestampType)) {
            return Timestamp.from(Instant.now());
        }
        if (type.equals(DataTypes.LongType)) {
            return 0L;
        }
        return type.equals(DataTypes.IntegerType) ? (Object) 0 : "";
    }

    /** Runs dump-logits' work. */
    public static boolean dump(Warehouse warehouse, String modelId, String task, long sample) {
        ModelFolder model = new Models(warehouse).open(modelId);
        CorpusRun run = CorpusRun.ofTask(warehouse, task);
        RoutingKey key = RoutingKey.of(modelId, model, task, "train", run, sample);
        return new RoutingDump(warehouse).dump(key, model, run, sample);
    }
}
