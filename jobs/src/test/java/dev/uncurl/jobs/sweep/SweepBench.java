package dev.uncurl.jobs.sweep;

import dev.uncurl.config.Settings;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ModelConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A sweep of about 200 cells over existing dumps, plans scored only, with the demo's model on two cores; only timings, so no test. It
 * wants two cores for itself, and is run by name:
 * {@code mvn -pl lib,jobs test -Dtest=SweepBench -Dsurefire.failIfNoSpecifiedTests=false}
 *
 * <p>{@code -Dbench.parallel=1,2,4} compares numbers of cells at a time; {@code -Dbench.random=38} is the number of seeds of the
 * random control, four cells each. Prints a table in Markdown: scoring is the time of the tasks that score, over the cores; all else
 * is the rest.
 */
final class SweepBench {
    private static final int CORES = 2;
    private static final int EXAMPLES = 200;
    private static final int RANDOM = Integer.getInteger("bench.random", 38);
    private static final List<String> PARALLEL =
            List.of(System.getProperty("bench.parallel", "auto").split(","));
    private static final String TASK = "superglue/boolq";
    private static final String OTHER = "superglue/rte";

    /** Milliseconds of the tasks that score. */
    private static final class Scoring extends SparkListener {
        private final Set<Integer> stages = new HashSet<>();
        private long millis;

        @Override
        public synchronized void onJobStart(SparkListenerJobStart job) {
            if (job.properties().getProperty("spark.job.description", "").startsWith("evaluate ")) {
                scala.collection.JavaConverters.seqAsJavaList(job.stageIds()).forEach(id -> stages.add((Integer) id));
            }
        }

        @Override
        public synchronized void onTaskEnd(SparkListenerTaskEnd task) {
            millis += stages.contains(task.stageId()) ? task.taskInfo().duration() : 0;
        }

        synchronized double take() {
            double seconds = millis / 1e3;
            millis = 0;
            return seconds;
        }
    }

    private final Scoring scoring = new Scoring();

    @Test
    void measure(@TempDir Path folder) {
        var lines = new ArrayList<String>();
        for (String parallel : PARALLEL) {
            var cli = new Cli(folder.resolve("warehouse-" + parallel));
            Warehouse warehouse = cli.open();
            prepare(warehouse);
            warehouse.context().sc().addSparkListener(scoring);
            lines.add(sweep(cli, parallel, "first run"));
            lines.add(sweep(cli, parallel, "again, nothing to do"));
            warehouse.context().sc().removeSparkListener(scoring);
        }
        System.out.println(
                "| sweep | cells at a time | cells | s | s a cell | scoring, s a cell | the rest, s a cell |");
        System.out.println("|---|---:|---:|---:|---:|---:|---:|");
        lines.forEach(System.out::println);
    }

    private static void prepare(Warehouse warehouse) {
        ModelConfig config = Settings.load("model/tiny-8e", List.of()).bind(ModelConfig.class);
        RoutingFixture.model(warehouse, "base", config, 1);
        for (String task : List.of(TASK, OTHER)) {
            RoutingFixture.run(warehouse, task);
            examples(warehouse, task);
            RoutingFixture.dump(warehouse, "base", task, 0);
        }
    }

    /** Questions with two answers, about as long as the demo's. */
    private static void examples(Warehouse warehouse, String task) {
        var random = new Random(task.hashCode());
        var rows = new ArrayList<Map<String, Object>>();
        for (long id = 0; id < 2 * EXAMPLES; id++) {
            String split = id < EXAMPLES ? "train" : "validation";
            rows.add(Map.of(
                    "task",
                    task,
                    "split",
                    split,
                    "example_id",
                    id % EXAMPLES,
                    "prompt_tokens",
                    RoutingFixture.tokens(random, 40 + random.nextInt(80)),
                    "target_tokens",
                    RoutingFixture.tokens(random, 1 + random.nextInt(4)),
                    "prompt_version",
                    "1"));
        }
        RoutingFixture.append(warehouse, UncurlTable.EXAMPLES, rows);
    }

    private String sweep(Cli cli, String parallel, String what) {
        String line = "sweep --as-of 2026-11-25 --config sweep/demo --set models=[{name=base}] --set tasks=[" + TASK
                + "] --set routing.tokens=0 --set evaluate.limit=" + EXAMPLES + " --set controls.other-task=" + OTHER
                + " --set controls.random-seeds=" + RANDOM + " --set experts=[6,4,3,2] --set seeds=[1,2,3,4,5]"
                + " --set methods=[{name=uncurl},{name=frequency}] --set parallel=" + parallel;
        long start = System.nanoTime();
        cli.succeed(line);
        double seconds = (System.nanoTime() - start) / 1e9;
        long cells = cli.open().table(UncurlTable.CELLS).count();
        double scored = scoring.take() / CORES;
        return String.format(
                Locale.ROOT,
                "| %s | %s | %,d | %.1f | %.3f | %.3f | %.3f |",
                what,
                parallel,
                cells,
                seconds,
                seconds / cells,
                scored / cells,
                (seconds - scored) / cells);
    }
}
