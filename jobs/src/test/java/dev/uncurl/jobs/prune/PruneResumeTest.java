package dev.uncurl.jobs.prune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.StallingUncurl;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pruning that is killed by the operating system and run again, and what verify finds afterwards. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PruneResumeTest {
    private static final String PRUNE =
            "prune --from base --task superglue/copa --method uncurl --experts 3 --model pruned";

    private Cli cli;
    private String undisturbed;

    @BeforeAll
    void pruneUndisturbed(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        Warehouse warehouse = cli.open();
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(6, 1), 7);
        RoutingFixture.task(warehouse, "superglue/copa", 60, 3);
        RoutingFixture.dump(warehouse, "base", "superglue/copa", 0);
        cli.succeed(PRUNE);
        undisturbed = pruned().manifestSha256();
    }

    private ModelFolder pruned() {
        return new Models(cli.open()).open("pruned");
    }

    private Path models() {
        return cli.folder().resolve("models");
    }

    private List<Row> registered() {
        return cli.open().rows(UncurlTable.REGISTRY, "model_id", "pruned").collectAsList();
    }

    @BeforeEach
    void withoutTheModel() throws IOException {
        FileUtils.deleteDirectory(models().resolve("pruned").toFile());
        cli.succeed("sql", "DELETE FROM models.registry WHERE model_id = 'pruned'");
        assertThat(registered()).isEmpty();
    }

    /** While writing a shard, and while writing the row of a model whose folder stands. */
    @ParameterizedTest
    @CsvSource({"model-00003-of-, false", "/models/registry/data/, true"})
    void aRunThatWasKilledEndsWithTheBitsOfAnUndisturbedOne(String before, boolean published)
            throws IOException, InterruptedException {
        StallingUncurl.kill(cli, before, PRUNE);
        assertThat(Files.exists(models().resolve("pruned"))).isEqualTo(published);
        assertThat(registered()).isEmpty();
        assertThat(cli.succeed(PRUNE).contains("there already")).isEqualTo(published);
        assertThat(pruned().manifestSha256()).isEqualTo(undisturbed);
        assertThat(registered()).hasSize(1);
        try (Stream<Path> folders = Files.list(models())) {
            assertThat(folders.map(folder -> folder.getFileName().toString()))
                    .containsExactlyInAnyOrder("base", "pruned");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"collapse", "map"})
    void aPrunedModelIsHeldAgainstItsParentAndPlan(String router) {
        cli.succeed(PRUNE + " --router " + router);
        ModelFolder model = pruned();
        int tensors = ParameterLayout.of(model.config()).tensors().size();
        String found = cli.succeed("verify --model pruned");
        var counts = java.util.regex.Pattern.compile(
                        "equals its plan applied to base: (\\d+) tensors copied bit for bit, (\\d+) merged, 2 routers")
                .matcher(found);
        assertThat(counts.find()).as(found).isTrue();
        assertThat(Integer.parseInt(counts.group(2))).isPositive();
        assertThat(Integer.parseInt(counts.group(1)) + Integer.parseInt(counts.group(2)) + 2)
                .isEqualTo(tensors);
    }

    @Test
    void verifyRefusesWhatThePlanDoesNotMakeOfTheParent() throws IOException {
        cli.succeed(PRUNE);
        cli.succeed("sql", "UPDATE pruning.assignments SET weight = weight * (1 + 1e-12)");
        refused("not as it was made");
        cli.succeed("sql", "DELETE FROM pruning.assignments");
        refused("not as it was made");
        cli.succeed("sql", "DELETE FROM pruning.plans");
        refused("which is not in pruning.plans");
        cli.succeed(PRUNE);
        cli.succeed("verify --model pruned");
        Path parent = models().resolve("base");
        Files.move(parent, models().resolve("away"));
        refused("Model base is registered, but its folder");
        RoutingFixture.model(cli.open(), "base", RoutingFixture.config(6, 1), 8);
        refused("it was pruned from manifest "
                + pruned().manifest().lineage().inputs().get("parent"));
        FileUtils.deleteDirectory(parent.toFile());
        Files.move(models().resolve("away"), parent);
        Warehouse warehouse = cli.open();
        new Models(warehouse).register("base", ModelFolder.open(warehouse.files(), warehouse.modelFolder("base")));
    }

    private void refused(String what) {
        Cli.Outcome outcome = cli.run("verify", "--model", "pruned");
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(3);
        assertThat(outcome.err()).contains(what);
    }
}
