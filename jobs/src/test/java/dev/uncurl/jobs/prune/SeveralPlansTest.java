package dev.uncurl.jobs.prune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** prune --plan-only with several methods, numbers of experts and seeds. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SeveralPlansTest {
    private static final String TASK = "superglue/copa";
    private static final String PRUNE = "prune --from base --task " + TASK + " --plan-only ";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void dump(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(6, 2), 1);
        RoutingFixture.task(warehouse, TASK, 30, 3);
        cli.succeed("dump-logits --model base --task " + TASK + " --split train --outputs 100");
    }

    private static List<String[]> lines(String out) {
        return out.lines()
                .filter(line -> line.strip().matches("[0-9a-f]{32} .*"))
                .map(line -> line.strip().split(" +"))
                .toList();
    }

    @Test
    void everyCombinationIsPlannedOnceAndIsThePlanThatOneCommandAloneMakes() {
        String alone = cli.succeed(PRUNE + "--method hc-smoe --experts 2");
        String frequency = cli.succeed(PRUNE + "--method frequency --experts 4 --seed 5");
        assertThat(frequency).doesNotContain("inertia").contains("predicted cost");
        String out = cli.succeed(PRUNE + "--method uncurl,frequency,random,hc-smoe --experts 4,2 --seed 5,6,7");
        List<String[]> lines = lines(out);
        // 2 K for each of: uncurl and random with 3 seeds, frequency and hc-smoe with one
        assertThat(lines).hasSize(2 * (3 + 1 + 3 + 1));
        assertThat(lines.stream().map(line -> line[0]).distinct()).hasSameSizeAs(lines);
        for (String[] line : lines) {
            String what = Arrays.toString(line);
            boolean drops = line[1].equals("frequency") || line[1].equals("random");
            boolean seeded = line[1].equals("uncurl") || line[1].equals("random");
            // plan, method, K, seed, inertia, stored
            assertThat(line).as(what).hasSize(6);
            assertThat(line[3].equals("-")).as(what).isEqualTo(!seeded);
            assertThat(line[4].equals("-")).as(what).isEqualTo(drops);
            if (line[1].equals("frequency") && line[2].equals("4")) {
                assertThat(line).as(what).endsWith("reused");
                assertThat(frequency).startsWith("Plan " + line[0] + ":");
            } else {
                assertThat(line).as(what).endsWith("new");
            }
        }
        assertThat(alone).as("seed 1 is another plan id").doesNotContain(lines.get(lines.size() - 1)[0]);
        assertThat(cli.succeed(PRUNE + "--method hc-smoe --experts 2 --seed 5"))
                .as("reading the outputs for one method changes no plan of another, nor its own")
                .startsWith("Plan " + lines.get(lines.size() - 1)[0] + ":");
        assertThat(cli.succeed(PRUNE + "--method uncurl --experts 4 --seed 6")).startsWith("Plan " + lines.get(1)[0]);
        assertThat(lines(cli.succeed(PRUNE + "--method uncurl,frequency,random,hc-smoe --experts 4,2 --seed 5,6,7")))
                .allSatisfy(line -> assertThat(line).endsWith("reused"));
        assertThat(warehouse.rows(UncurlTable.PLANS, "model_id", "base").count())
                .as("and hc-smoe with seed 1")
                .isEqualTo(17);
    }

    @Test
    void severalValuesAreForPlansOnly() {
        for (String several : List.of(
                "--method uncurl,random --experts 2",
                "--method uncurl --experts 2,3",
                "--method uncurl --experts 2 --seed 1,2")) {
            Cli.Outcome outcome = cli.run(("prune --from base --task " + TASK + " --model some " + several).split(" "));
            assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
            assertThat(outcome.err()).contains("has several values").contains("--plan-only");
        }
        Cli.Outcome outcome = cli.run((PRUNE + "--method uncurl,randon --experts 2").split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
        assertThat(outcome.err()).contains("Did you mean random?");
    }
}
