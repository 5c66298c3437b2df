package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.LatencyRow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class LatencyRunTest {
    private static final String LINE = "evaluate --latency --latency-warmup 0 --latency-repeats 2 --latency-batch ";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeEach
    void makeModels(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = cli.open();
        for (String id : List.of("a", "b", "c")) {
            RoutingFixture.model(warehouse, id, RoutingFixture.config(3, 1), id.charAt(0));
        }
    }

    private List<LatencyRow> rows(String model) {
        return Records.read(warehouse.rows(UncurlTable.LATENCY, "model_id", model), LatencyRow.class);
    }

    private Set<String> runs(String model) {
        return rows(model).stream().map(row -> row.runId().orElseThrow()).collect(Collectors.toSet());
    }

    @Test
    void modelsOfACommandShareARunAndAreReusedOnlyTogether() {
        String two = LINE + "1,2 --model a --model b";
        assertThat(cli.succeed(two))
                .contains("models in turn, 2 of each after 0")
                .doesNotContain("reused");
        assertThat(rows("a")).hasSize(2).allSatisfy(row -> {
            assertThat(row.executors()).isEqualTo(1);
            assertThat(row.sequenceLength()).isEqualTo(RoutingFixture.CONTEXT);
            assertThat(row.expertParallel()).isEqualTo(Optional.of(1));
            assertThat(row.host()).isPresent();
            assertThat(row.cpu()).isPresent();
            assertThat(row.parts()).containsKeys("router", "dispatch", "experts", "exchange");
            assertThat(row.tokensPerSecond() * row.p50Ms() / 1000)
                    .isCloseTo(row.batch() * row.sequenceLength(), within(1e-6));
        });
        assertThat(runs("a")).hasSize(1).isEqualTo(runs("b"));

        assertThat(cli.succeed(two))
                .contains("reused")
                .contains(runs("a").iterator().next());
        assertThat(rows("a")).hasSize(2);

        assertThat(cli.succeed(LINE + "2 --model a --model c"))
                .as("c was never timed, so a is timed again")
                .doesNotContain("reused");
        assertThat(rows("a")).hasSize(3);
        assertThat(runs("c")).hasSize(1).isSubsetOf(runs("a"));
        assertThat(cli.succeed(two)).as("the older run still has both").contains("reused");

        assertThat(cli.succeed(LINE + "2,3 --model a --model c"))
                .as("only the new setting is timed")
                .contains("reused");
        assertThat(rows("c")).extracting(LatencyRow::batch).containsExactlyInAnyOrder(2, 3);

        cli.succeed(two + " --latency-again");
        assertThat(runs("b")).hasSize(2);
    }

    @Test
    void aModelMadeAnewUnderItsNameIsTimedAgain() throws IOException {
        cli.succeed(LINE + "1 --model a");
        String before = rows("a").get(0).manifestSha256();
        FileUtils.deleteDirectory(cli.folder().resolve("models/a").toFile());
        String sha256 = RoutingFixture.model(warehouse, "a", RoutingFixture.config(3, 1), 2)
                .manifestSha256();
        assertThat(cli.succeed(LINE + "1 --model a")).doesNotContain("reused");
        assertThat(rows("a")).extracting(LatencyRow::manifestSha256).containsExactly(sha256);
        assertThat(sha256).isNotEqualTo(before);
    }

    @Test
    void ranksThatDivideTheExpertsAreTimedTogetherAndTheShareOfExchangesIsStored() {
        cli.succeed(LINE + "1 --model a");
        String divided = LINE + "1 --model a --expert-parallel 3";
        assertThat(cli.succeed(divided)).contains("3 ranks divide the experts").doesNotContain("reused");
        assertThat(rows("a")).hasSize(2).allSatisfy(row -> {
            boolean alone = row.expertParallel().orElseThrow() == 1;
            assertThat(row.parts().get("exchange") > 0).isEqualTo(!alone);
        });
        assertThat(rows("a"))
                .extracting(row -> row.expertParallel().orElseThrow())
                .containsExactlyInAnyOrder(1, 3);
        assertThat(cli.succeed(divided)).contains("3 ranks divide the experts", "reused");
    }

    @Test
    void aLengthOverTheContextOfAModelIsRefused() {
        Cli.Outcome outcome = cli.run((LINE + "1 --latency-length 12,25 --model a").split(" "));
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err())
                .contains("--latency-length 25 is longer than the context of a, 24 tokens", "at most 24");
        assertThat(rows("a")).isEmpty();
    }

    @Test
    void aShorterLengthIsTimed() {
        cli.succeed(LINE + "1 --latency-length 5 --model a");
        assertThat(rows("a")).extracting(LatencyRow::sequenceLength).containsExactly(5);
    }
}
