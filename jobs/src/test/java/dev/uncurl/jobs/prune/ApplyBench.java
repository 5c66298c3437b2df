package dev.uncurl.jobs.prune;

import dev.uncurl.bench.BestOf;
import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.pruning.ExpertAssignment;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.RouterRule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.Test;

/**
 * Measures applying a plan; only timings, so no test. Run it by name:
 * {@code mvn -pl lib,jobs test -Dtest=ApplyBench -Dsurefire.failIfNoSpecifiedTests=false}, with {@code -Dbench.experts=64}.
 *
 * <p>A plan merges pairs of experts, on two Spark tasks, with alignment and without, beside copying the files of input and
 * output on two threads, synced as the model's are. The best of {@link BestOf#REPEATS} counts, after two seconds to warm up.
 */
final class ApplyBench {
    /** In each of two layers; F = 2,048, D = 512. */
    private static final int EXPERTS = Integer.getInteger("bench.experts", 32);

    private static void print(String format, Object... values) {
        System.out.printf(Locale.ROOT, format + "%n", values);
    }

    @Test
    void measure() throws IOException {
        Path folder = Files.createTempDirectory("prune-bench");
        try {
            Warehouse warehouse = new Cli(folder.resolve("warehouse")).open();
            var config = new ModelConfig(4, 512, 8, 2048, 8192, 256, new MoeConfig(EXPERTS, 1, 2, false, 0.01, 0));
            ModelFolder source = RoutingFixture.model(warehouse, "base", config, 1);
            for (boolean align : new boolean[] {false, true}) {
                apply(warehouse, source, new MergeOptions(RouterRule.COLLAPSE, align), folder);
            }
        } finally {
            FileUtils.deleteDirectory(folder.toFile());
        }
    }

    private static void apply(Warehouse warehouse, ModelFolder source, MergeOptions options, Path folder)
            throws IOException {
        Plan plan = pairs(source);
        Path pruned = Path.of(warehouse.modelFolder("pruned").toUri());
        double seconds = BestOf.seconds(() -> {
            FileUtils.deleteDirectory(pruned.toFile());
            new ApplyPlanJob(warehouse)
                    .apply(source, plan, options, "pruned", Lineage.here("base", "prune", Map.of(), "bench", "bench"));
        });
        Path input = Path.of(source.dir().toUri());
        double copied = BestOf.seconds(() -> {
            copy(List.of(input, pruned), folder.resolve("copy"));
        });
        double bytes = FileUtils.sizeOfDirectory(input.toFile()) + FileUtils.sizeOfDirectory(pruned.toFile());
        print(
                "apply, alignment %s: %.0f MB in and out in %.2f s, %.2f GB/s; copying them %.2f s, %.2f GB/s; ratio %.2f",
                options.align() ? "on" : "off",
                bytes / 1e6,
                seconds,
                bytes / 1e9 / seconds,
                copied,
                bytes / 1e9 / copied,
                seconds / copied);
    }

    /** Experts 0 and 1 into one, 2 and 3, and so on. */
    private static Plan pairs(ModelFolder source) {
        var rows = new ArrayList<ExpertAssignment>();
        int experts = source.config().moe().experts();
        for (int layer : source.config().moeLayers()) {
            for (int expert = 0; expert < experts; expert++) {
                rows.add(new ExpertAssignment(layer, expert, expert / 2, 0.5, expert % 2 == 0));
            }
        }
        var origin = new Plan.Origin(
                "base", source.manifestSha256(), "none", "uncurl", experts, experts / 2, 1, new TreeMap<>());
        return new Plan(origin, rows);
    }

    /** On two threads, by the file, each synced. */
    private static void copy(List<Path> folders, Path target) throws IOException {
        FileUtils.deleteDirectory(target.toFile());
        var files = new ArrayList<Path>();
        for (Path folder : folders) {
            try (Stream<Path> all = Files.list(folder)) {
                all.forEach(files::add);
            }
            Files.createDirectories(target.resolve(folder.getFileName()));
        }
        try (var kernels = new VectorKernels(2)) {
            kernels.parallelFor(files.size(), i -> {
                Path file = files.get(i);
                Path to = target.resolve(file.getParent().getFileName()).resolve(file.getFileName());
                try {
                    Files.copy(file, to);
                    try (var channel = FileChannel.open(to, StandardOpenOption.WRITE)) {
                        channel.force(true);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }
}
