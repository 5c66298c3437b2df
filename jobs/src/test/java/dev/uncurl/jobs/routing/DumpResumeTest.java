package dev.uncurl.jobs.routing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.StallingUncurl;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Dumps that are made again: reused, replaced, or finished after a kill. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DumpResumeTest {
    private static final String TASK = "superglue/cb";
    private static final int EXAMPLES = 60;

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeTwoEqualModels(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.task(warehouse, TASK, EXAMPLES, 7);
        for (String model : new String[] {"one", "same", "other"}) {
            RoutingFixture.model(warehouse, model, RoutingFixture.config(3, 1), 2);
        }
    }

    /** All rows of the three tables with all their digits, except for what distinguishes equal models. */
    private String tables(String model) {
        String[] order = {"layer", "sequence_id", "position"};
        return warehouse
                        .rows(UncurlTable.LOGITS, "model_id", model)
                        .orderBy(order[0], order[1], order[2])
                        .drop("model_id")
                        .collectAsList()
                + sums(model);
    }

    private String sums(String model) {
        return warehouse
                        .rows(UncurlTable.EXPERT_STATISTICS, "model_id", model)
                        .orderBy("layer", "expert")
                        .drop("model_id")
                        .collectAsList()
                + "\n"
                + warehouse
                        .rows(UncurlTable.GRAM, "model_id", model)
                        .orderBy("layer")
                        .drop("model_id", "manifest_sha256")
                        .collectAsList();
    }

    private Set<String> filesOnDisk(String model) throws IOException {
        try (Stream<Path> files = Files.walk(cli.folder().resolve("tables/routing/logits/data"), 2)) {
            return files.filter(file -> isOf(model, file.toString()))
                    .map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".parquet"))
                    .collect(Collectors.toSet());
        }
    }

    /** A partition's folder is named after its values, the model the first. */
    private static boolean isOf(String model, String path) {
        return path.contains("/" + model + "+");
    }

    private Set<String> filesOf(String metadataTable, String model) {
        return warehouse.spark().table("uncurl.routing.logits." + metadataTable).collectAsList().stream()
                .map(row -> row.<String>getAs("file_path"))
                .filter(path -> isOf(model, path))
                .map(path -> path.substring(path.lastIndexOf('/') + 1))
                .collect(Collectors.toSet());
    }

    @Test
    void aKilledDumpShowsNothingToReadersAndRunAgainItIsThatOfAnUndisturbedOne() throws Exception {
        String command = "dump-logits --task " + TASK + " --model ";
        cli.succeed(command + "one --tokens 300");
        String before = tables("one");
        Set<String> committed = filesOnDisk("one");

        StallingUncurl.kill(cli, "routing/logits/metadata/", command + "one");
        Set<String> left = filesOnDisk("one");
        left.removeAll(committed);
        assertThat(left).hasSizeGreaterThanOrEqualTo(2);
        assertThat(tables("one")).isEqualTo(before);
        assertThat(cli.succeed("verify --model one")).contains(TASK);

        // a dump of another sample cleans up after it too
        cli.succeed(command + "one --tokens 500");
        assertThat(filesOnDisk("one")).doesNotContainAnyElementsOf(left).containsAll(committed);

        assertThat(cli.succeed(command + "one")).contains("Dumped");
        cli.succeed(command + "same");
        assertThat(tables("one")).isEqualTo(tables("same"));
        assertThat(filesOnDisk("one")).isEqualTo(filesOf("all_data_files", "one"));
    }

    @Test
    void aDumpIsReusedFinishedWhereItsSumsAreMissingAndReplacedByOneOfAnotherSample() throws IOException {
        assertThat(RoutingFixture.dump(warehouse, "other", TASK, 300)).isTrue();
        String sums = sums("other");
        Set<String> files = filesOnDisk("other");
        assertThat(RoutingFixture.dump(warehouse, "other", TASK, 300)).isFalse();

        // killed between its commits: the logits are there, the sums not
        warehouse.spark().sql("DELETE FROM routing.gram WHERE model_id = 'other'");
        warehouse.spark().sql("DELETE FROM routing.expert_statistics WHERE model_id = 'other'");
        assertThat(RoutingFixture.dump(warehouse, "other", TASK, 300)).isTrue();
        assertThat(filesOnDisk("other")).isEqualTo(files);
        assertThat(sums("other")).isEqualTo(sums);

        assertThat(RoutingFixture.dump(warehouse, "other", TASK, 0)).isTrue();
        assertThat(warehouse
                        .rows(UncurlTable.LOGITS, "model_id", "other", "layer", 1)
                        .select("sequence_id")
                        .distinct()
                        .count())
                .isEqualTo(EXAMPLES);
        assertThat(warehouse
                        .rows(UncurlTable.GRAM, "model_id", "other")
                        .select("sample")
                        .distinct()
                        .collectAsList())
                .singleElement()
                .satisfies(row -> assertThat(row.getString(0)).isEqualTo("all"));
        assertThat(filesOnDisk("other")).containsAll(files);
        // housekeeping, as the README of schemas/ says
        warehouse
                .spark()
                .sql("CALL uncurl.system.expire_snapshots(table => 'routing.logits', "
                        + " older_than => TIMESTAMP '2200-01-01 00:00:00', retain_last => 1)");
        assertThat(filesOnDisk("other")).doesNotContainAnyElementsOf(files).isEqualTo(filesOf("data_files", "other"));
    }
}
