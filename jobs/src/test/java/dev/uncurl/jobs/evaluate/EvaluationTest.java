package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EvaluationTest {
    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void makeTwoTasksUnderOneName(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(3, 1), 1);
        RoutingFixture.run(warehouse, "flan");
        RoutingFixture.examples(warehouse, "flan/a", 12, 11);
        RoutingFixture.examples(warehouse, "flan/b", 9, 12);
    }

    /** Loss of each example, which both tasks number from 0. */
    private List<Double> losses(String task) {
        return warehouse
                .rows(UncurlTable.SCORED, "model_id", "base", "task", task)
                .orderBy("example_id")
                .collectAsList()
                .stream()
                .map(row -> row.<Double>getAs("text_loss"))
                .toList();
    }

    @Test
    void tasksUnderOneNameAreScoredAsEachAloneAndTheirExamplesStayApart() {
        for (String task : List.of("flan/a", "flan/b", "flan")) {
            cli.succeed("evaluate --model base --split train --task " + task);
        }
        List<Double> together = losses("flan");
        List<Double> expected = new ArrayList<>();
        List<Double> a = losses("flan/a");
        List<Double> b = losses("flan/b");
        for (int i = 0; i < a.size(); i++) {
            expected.add(a.get(i));
            if (i < b.size()) {
                expected.add(b.get(i));
            }
        }
        assertThat(together).hasSize(21);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(together.get(i)).as("example " + i).isCloseTo(expected.get(i), within(1e-4));
        }
        assertThat(warehouse
                        .rows(UncurlTable.SCORED, "model_id", "base", "task", "flan")
                        .select("example_id")
                        .distinct()
                        .count())
                .isEqualTo(21);
    }
}
