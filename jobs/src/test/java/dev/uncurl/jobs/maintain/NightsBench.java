package dev.uncurl.jobs.maintain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A small sweep that makes models, on 200 dates one after another in one process, with retention after each: what a warehouse and the
 * process grow by. The first night dumps, plans, scores and makes everything; on the other dates all is there. With
 * {@code -Dnights.model-every=10} each tenth date sweeps a new model, whose dump and results are new files that stay. A night takes
 * seconds here, so that ages are of nights: what the newest 7 nights read stays readable. Run by name:
 * {@code mvn -pl lib,jobs test -Dtest=NightsBench -Dsurefire.failIfNoSpecifiedTests=false}
 */
final class NightsBench {
    private static final int NIGHTS = Integer.getInteger("nights", 200);
    private static final int EVERY = Integer.getInteger("nights.print-every", 20);
    private static final int MODEL_EVERY = Integer.getInteger("nights.model-every", NIGHTS);
    private static final int KEPT = 7;
    private static final String TASK = "superglue/copa";

    private static final String SWEEP =
            "sweep --config sweep/demo --set models=[{newest-of-stage=pretrain}] --set tasks=[" + TASK
                    + "] --set evaluate.split=train --set evaluate.limit=0 --set routing.tokens=0 --set controls.other-task=\"\""
                    + " --set controls.random-seeds=1 --set experts=[2] --set seeds=[1] --set makes=models"
                    + " --set methods=[{name=uncurl},{name=frequency}] --as-of ";

    /** What there is after a night. */
    private record State(
            int night,
            long rows,
            long dataFiles,
            long folders,
            long dataBytes,
            long snapshots,
            long metadataFiles,
            long metadataBytes,
            long models,
            long otherFiles,
            long heap,
            double sweepSeconds,
            double retentionSeconds) {}

    @Test
    void measure(@TempDir Path folder) throws IOException {
        var cli = new Cli(folder.resolve("warehouse"));
        Warehouse warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.task(warehouse, TASK, 12, 3);
        LocalDate first = LocalDate.of(2026, 1, 1);
        var began = new ArrayList<Instant>();
        var states = new ArrayList<State>();
        System.out.println(
                "| night | rows of sweep.cells | data files | folders | data kB | snapshots | metadata files | metadata kB | pruned models |"
                        + " other files | heap MB | sweep s | retention s |\n|" + " ---: |".repeat(13));
        double sweep = 0;
        double retention = 0;
        for (int night = 1; night <= NIGHTS; night++) {
            began.add(Instant.now());
            if ((night - 1) % MODEL_EVERY == 0) {
                RoutingFixture.model(warehouse, "base-" + night, RoutingFixture.config(4, 2), night);
            }
            long start = System.nanoTime();
            cli.succeed(SWEEP + first.plusDays(night));
            sweep += (System.nanoTime() - start) / 1e9;
            start = System.nanoTime();
            retain(warehouse, began.get(Math.max(0, night - KEPT)));
            retention += (System.nanoTime() - start) / 1e9;
            if (night % EVERY == 0 || night == KEPT + 1) {
                int nights = night % EVERY == 0 ? EVERY : KEPT + 1;
                states.add(print(warehouse, cli.folder(), night, sweep / nights, retention / nights));
                if (night % EVERY == 0) {
                    sweep = 0;
                    retention = 0;
                }
            }
        }
        State last = states.get(states.size() - 1);
        State early = states.get(1);
        assertThat(last.models).isEqualTo(early.models);
        assertThat(last.snapshots).isLessThanOrEqualTo(early.snapshots * 5 / 4);
        assertThat(last.otherFiles).isEqualTo(early.otherFiles);
    }

    private static void retain(Warehouse warehouse, Instant cutoff) {
        PrintStream out = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
        try {
            new Retention(warehouse, KEPT, cell -> true, new TableUpkeep.Cutoffs(cutoff, cutoff)).run();
        } finally {
            System.setOut(out);
        }
    }

    private static State print(Warehouse warehouse, Path folder, int night, double sweep, double retention)
            throws IOException {
        long snapshots = 0;
        for (UncurlTable table : UncurlTable.values()) {
            snapshots += warehouse
                    .spark()
                    .sql("SELECT count(*) FROM " + table.fullName() + ".snapshots")
                    .first()
                    .getLong(0);
        }
        List<Path> tables = files(folder.resolve("tables"));
        List<Path> metadata = tables.stream()
                .filter(file -> file.toString().contains("/metadata/"))
                .toList();
        long models;
        try (Stream<Path> all = Files.list(folder.resolve("models"))) {
            models = all.filter(model -> !model.getFileName().toString().matches("base-\\d+"))
                    .count();
        }
        var state = new State(
                night,
                warehouse.table(UncurlTable.CELLS).count(),
                tables.size() - metadata.size(),
                folders(folder.resolve("tables")),
                bytes(tables) - bytes(metadata),
                snapshots,
                metadata.size(),
                bytes(metadata),
                models,
                files(folder).size()
                        - tables.size()
                        - files(folder.resolve("models")).size(),
                heap(),
                sweep,
                retention);
        System.out.printf(
                Locale.ROOT,
                "| %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %.1f | %.1f |%n",
                night,
                state.rows,
                state.dataFiles,
                state.folders,
                state.dataBytes >> 10,
                state.snapshots,
                state.metadataFiles,
                state.metadataBytes >> 10,
                state.models,
                state.otherFiles,
                state.heap >> 20,
                sweep,
                retention);
        return state;
    }

    private static long heap() {
        System.gc();
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static long folders(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isDirectory).count();
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile)
                    .filter(file -> !file.toString().endsWith(".crc"))
                    .toList();
        }
    }

    private static long bytes(List<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        return bytes;
    }
}
