package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LogitsRow;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.routing.RoutedToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;

/**
 * Measures dump-logits; the only timings, so no test. Run it by name:
 * {@code mvn -pl lib,jobs test -Dtest=DumpBench -Dsurefire.failIfNoSpecifiedTests=false} with {@code -Dbench.tokens},
 * {@code -Dbench.experts=8,64} and {@code -Dbench.parts=dump,encodings,gram}.
 *
 * <p>Of preset bench, with 8 and 64 experts: scoring batches with the model alone, passing them through its blocks without
 * the output head, and the whole dump of the same batches (logits written, summed and committed), in turns; bytes per logit; the same rows in other encodings. Of 128
 * experts: statistics and Gram matrix computed from the table, beside a plain loop over the same floats in memory. The
 * best of {@link #REPEATS} counts after one to warm up; of the sums over few tokens as many as make a million.
 */
final class DumpBench {
    private static final int REPEATS = Integer.getInteger("bench.repeats", 2);
    private static final long TOKENS = Long.getLong("bench.tokens", 200_000);
    private static final List<String> PARTS =
            List.of(System.getProperty("bench.parts", "dump,encodings,gram").split(","));

    /** Named so that only whoever asks for it by name runs it. */
    @Test
    void bench() throws IOException {
        main();
    }

    public static void main(String... arguments) throws IOException {
        Path folder = Files.createTempDirectory("dump-bench");
        try {
            Warehouse warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
            if (PARTS.contains("dump") || PARTS.contains("encodings")) {
                TokenizeFixture.tokenize(
                        warehouse,
                        folder,
                        TokenizeFixture.corpus("fiction", "cc100", TokenizeFixture.data("cc100/fiction.txt")),
                        "vocabulary=8192",
                        "sequence-length=256");
                for (String experts :
                        System.getProperty("bench.experts", "8,64").split(",")) {
                    dump(warehouse, Integer.parseInt(experts));
                }
            }
            if (PARTS.contains("gram")) {
                for (int tokens : new int[] {100_000, 1_000_000}) {
                    gram(warehouse, 128, tokens);
                }
            }
        } finally {
            try (Stream<Path> all = Files.walk(folder)) {
                all.sorted(Comparator.reverseOrder())
                        .forEach(path -> path.toFile().delete());
            }
        }
    }

    /** Preset bench. */
    private static ModelConfig config(int experts) {
        return new ModelConfig(4, 256, 8, 1024, 8192, 256, new MoeConfig(experts, 1, 2, false, 0.01, 0.001));
    }

    private static void dump(Warehouse warehouse, int experts) {
        ModelConfig config = config(experts);
        ModelFolder model = RoutingFixture.model(warehouse, "bench-" + experts, config, 1);
        DumpSequences inputs = DumpSequences.of(warehouse, "fiction", "train", 256, 256, TOKENS);
        CorpusRun run = CorpusRun.ofTask(warehouse, "fiction");
        var key = RoutingKey.of("bench-" + experts, model, "fiction", "train", run, TOKENS);
        if (PARTS.contains("dump")) {
            double scoring = Double.MAX_VALUE;
            double blocks = Double.MAX_VALUE;
            double dump = Double.MAX_VALUE;
            for (int i = 0; i <= REPEATS; i++) {
                double scored = seconds(() -> forward(warehouse, model, inputs, true));
                double passed = seconds(() -> forward(warehouse, model, inputs, false));
                double whole = seconds(() -> new RoutingDump(warehouse).write(key, model, inputs));
                System.out.printf(
                        Locale.ROOT, "  scoring %.2f s, blocks only %.2f s, dump %.2f s%n", scored, passed, whole);
                scoring = i > 0 ? Math.min(scored, scoring) : scoring;
                blocks = i > 0 ? Math.min(passed, blocks) : blocks;
                dump = i > 0 ? Math.min(whole, dump) : dump;
            }
            System.out.printf(
                    Locale.ROOT,
                    "E=%d, %,d tokens: scoring %,.0f tokens/s, blocks only %,.0f tokens/s, dump %,.0f tokens/s (%.0f%%, %.0f%%)%n",
                    experts,
                    inputs.tokens(),
                    inputs.tokens() / scoring,
                    inputs.tokens() / blocks,
                    inputs.tokens() / dump,
                    100 * scoring / dump,
                    100 * blocks / dump);
        } else {
            new RoutingDump(warehouse).write(key, model, inputs);
        }
        bytes(warehouse, "routing.logits", key.modelId(), experts);
        if (PARTS.contains("encodings")) {
            encodings(warehouse, key.modelId(), experts);
        }
    }

    /** Bytes on disk of each column that is no key, per logit. */
    private static void bytes(Warehouse warehouse, String table, String modelId, int experts) {
        var columns = new TreeMap<String, Double>();
        double logits = 0;
        var schema = warehouse.iceberg(UncurlTable.LOGITS).schema();
        for (Row file : warehouse
                .spark()
                .sql("SELECT record_count, column_sizes FROM " + table + ".files WHERE partition.model_id = '" + modelId
                        + "'")
                .collectAsList()) {
            logits += file.getLong(0) * (double) experts;
            file.<Integer, Long>getJavaMap(1)
                    .forEach((id, size) -> columns.merge(schema.findColumnName(id), (double) size, Double::sum));
        }
        double all = logits;
        double beside = Stream.of("experts.element", "gates.element", "output_norms.element", "logits.element")
                .mapToDouble(columns::get)
                .sum();
        System.out.printf(
                Locale.ROOT,
                "  %s, E=%d: %.3f bytes per logit beside the key columns, %.3f of them logits; %s%n",
                table,
                experts,
                beside / all,
                columns.get("logits.element") / all,
                columns.entrySet().stream()
                        .map(column -> String.format(Locale.ROOT, "%s %.3f", column.getKey(), column.getValue() / all))
                        .toList());
    }

    /** The same rows under other table properties. */
    private static void encodings(Warehouse warehouse, String modelId, int experts) {
        String floats = "'write.parquet.dict-encoding-enabled.column.%s.element'='%s'";
        var variants = new LinkedHashMap<String, String>();
        for (String dictionary : List.of("true", "false")) {
            for (String level : List.of("1", "3", "9", "19")) {
                for (String version : List.of("v1", "v2")) {
                    if (version.equals("v2") && !level.equals("3") || dictionary.equals("true") && level.equals("19")) {
                        continue;
                    }
                    variants.put(
                            "dictionary_" + dictionary + "_zstd" + level + "_" + version,
                            "'write.parquet.compression-codec'='zstd','write.parquet.compression-level'='" + level
                                    + "','write.parquet.page-version'='" + version + "',"
                                    + Stream.of("gates", "output_norms", "logits")
                                            .map(name -> String.format(floats, name, dictionary))
                                            .collect(java.util.stream.Collectors.joining(",")));
                }
            }
        }
        variants.forEach((name, properties) -> {
            var spark = warehouse.spark();
            String table = "routing." + name + "_" + experts;
            spark.sql("CREATE TABLE " + table + " USING iceberg PARTITIONED BY (model_id, task, split, layer)"
                    + " TBLPROPERTIES (" + properties + ") AS SELECT * FROM routing.logits WHERE false");
            double seconds = seconds(() -> spark.sql("INSERT INTO " + table + " SELECT * FROM routing.logits"
                    + " WHERE model_id = '" + modelId + "' ORDER BY layer, sequence_id, position"));
            System.out.printf(Locale.ROOT, "  written and sorted in %.1f s:%n", seconds);
            bytes(warehouse, table, modelId, experts);
        });
    }

    /** One layer of normally distributed logits. */
    private static void gram(Warehouse warehouse, int experts, int tokens) {
        String modelId = "normal-" + tokens;
        var random = new Random(1);
        float[] logits = new float[experts * tokens];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        var key = new RoutingKey(modelId, "none", "train", "none", "none", "all");
        var table = warehouse.iceberg(UncurlTable.LOGITS);
        var files = new ArrayList<org.apache.iceberg.DataFile>();
        for (int file = 0; file < 4; file++) {
            try (var out =
                    new DataFileWriter<>(LogitsRow.class, table, key.id() + "-" + file, modelId, "none", "train", 1)) {
                for (int t = file * (tokens / 4); t < (file + 1) * (tokens / 4); t++) {
                    float[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
                    var token = new RoutedToken(
                            t % 50_000, t % 256, 256, t % 9, new int[] {3}, new float[] {1}, new float[] {1}, row);
                    out.add(RoutingPass.row(key, 1, t / 256, token));
                }
                files.add(out.end());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        var tables = new RoutingTables(warehouse);
        tables.commitLogits(key, files);
        double plain = Double.MAX_VALUE;
        double whole = Double.MAX_VALUE;
        for (int i = 0; i <= Math.max(REPEATS, 1_000_000 / tokens); i++) {
            plain = Math.min(plain, seconds(() -> plainGram(logits, experts)));
            whole = Math.min(whole, seconds(() -> tables.sums(tables.logits(key), "sum", tokens)));
        }
        System.out.printf(
                Locale.ROOT,
                "Gram matrix, E=%d, %,d tokens: plain loop in memory, one thread, %,.0f tokens/s; Gram and statistics from"
                        + " the table, two tasks, %,.0f tokens/s (%.0f%%)%n",
                experts,
                tokens,
                tokens / plain,
                tokens / whole,
                100 * plain / whole);
    }

    private static void plainGram(float[] logits, int experts) {
        double[] gram = new double[experts * experts];
        for (int row = 0; row < logits.length; row += experts) {
            for (int i = 0; i < experts; i++) {
                double logit = logits[row + i];
                for (int j = 0; j <= i; j++) {
                    gram[i * experts + j] += logit * logits[row + j];
                }
            }
        }
        if (!(gram[0] > 0)) {
            throw new IllegalStateException("no logits");
        }
    }

    /** @param head whether to predict the next tokens, as scoring does */
    private static void forward(Warehouse warehouse, ModelFolder model, DumpSequences inputs, boolean head) {
        var cut = RoutingWindows.Chunking.of(inputs, model.config());
        var reference = ModelCache.Reference.of(warehouse, model);
        LongAccumulator done = warehouse.context().sc().longAccumulator();
        RDD<Row> sequences = RoutingDump.sequences(warehouse, inputs, cut, 2);
        SparkWork.forEachPartition(
                sequences,
                (SparkWork.PartitionWork<Row, Long>) rows -> {
                    ModelCache.Loaded loaded = reference.load();
                    int batch = RoutingWindows.BATCH * loaded.config().sequenceLength();
                    long tokens = 0;
                    try (var language = SmoeLanguageModel.forScoring(loaded.config(), loaded.parameters(), batch)) {
                        var windows = new RoutingWindows(rows, cut);
                        while (windows.hasNext()) {
                            for (var sequenceBatch : RoutingWindows.batches(windows.next())) {
                                language.forward(head ? scored(sequenceBatch) : RoutingWindows.tokens(sequenceBatch));
                                tokens += sequenceBatch.size();
                            }
                        }
                    }
                    return tokens;
                },
                tokens -> {},
                done,
                new Progress("forward", "tokens", inputs.tokens()));
    }

    private static TokenBatch scored(List<RoutingWindows.Sequence> batch) {
        return TokenBatch.ofSequences(
                batch.stream().map(RoutingWindows.Sequence::tokens).toList());
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
