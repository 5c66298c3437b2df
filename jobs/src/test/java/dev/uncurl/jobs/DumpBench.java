package dev.uncurl.jobs;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.MoeConfig;
import dev.uncurl.config.TokenizeConfig;
import dev.uncurl.model.SmoeLanguageModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;
import org.junit.jupiter.api.Test;

final class DumpBench {
    private static final int REPEATS = Integer.getInteger("bench.repeats", 2);
    private static final long TOKENS = Long.getLong("bench.tokens", 200_000);

    @Test
    void bench() throws IOException {
        main();
    }

    public static void main(String... arguments) throws IOException {
        Path folder = Files.createTempDirectory("dump-bench");
        try {
            Warehouse warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
            TokenizeConfig config = TokenizeFixture.config(
                    folder,
                    TokenizeFixture.corpus("fiction", "cc100", TokenizeFixture.data("cc100/fiction.txt")),
                    "vocabulary=8192",
                    "sequence-length=256");
            TokenizeFixture.tokenize(warehouse, config);
            for (int experts : new int[] {8, 64}) {
                dump(warehouse, experts);
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
        RoutingInputs inputs = RoutingInputs.of(warehouse, "fiction", "train", 256, 256, TOKENS);
        CorpusRun run = CorpusRun.ofTask(warehouse, "fiction");
        var key = RoutingKey.of("bench-" + experts, model, "fiction", "train", run, TOKENS);
        double forward = Double.MAX_VALUE;
        double dump = Double.MAX_VALUE;
        for (int i = 0; i <= REPEATS; i++) {
            double f = seconds(() -> forward(warehouse, model, inputs));
            double d = seconds(() -> new RoutingDump(warehouse).write(key, model, inputs));
            System.out.printf(Locale.ROOT, "  forward %.2f s, dump %.2f s%n", f, d);
            forward = i > 0 ? Math.min(f, forward) : forward;
            dump = i > 0 ? Math.min(d, dump) : dump;
        }
        System.out.printf(
                Locale.ROOT,
                "E=%d, %,d tokens: forward only %,.0f tokens/s, dump %,.0f tokens/s (%.0f%%)%n",
                experts,
                inputs.tokens(),
                inputs.tokens() / forward,
                inputs.tokens() / dump,
                100 * forward / dump);
    }

    private static void forward(Warehouse warehouse, ModelFolder model, RoutingInputs inputs) {
        var cut = RoutingWindows.Cut.of(inputs, model.config());
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
                                language.forward(RoutingWindows.tokens(sequenceBatch));
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

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
