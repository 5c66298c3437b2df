package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** pretrain --estimate, which needs neither data nor a cluster. */
class EstimateOptionsTest {
    private static final String ESTIMATE =
            "pretrain --model none --config src/test/resources/tiny/pretrain.conf --estimate";

    @TempDir
    Path folder;

    private Cli.Outcome run(String options) {
        return new Cli(folder.resolve("warehouse")).run((ESTIMATE + options).split(" "));
    }

    @Test
    void everyDivisionOfTheExpertsIsShownAndTheFastestThatFitsIsNamed() {
        Cli.Outcome outcome = run(" --ranks 8 --rank-gflops 0.01 --network-gbit 1000 --set train.batch=8");
        assertThat(outcome.code()).as(outcome.err()).isZero();
        // of four experts; then the best of four, two and one ranks
        assertThat(outcome.out().lines().filter(line -> line.matches(" +8 +[124] .*")))
                .hasSize(3);
        assertThat(outcome.out().lines().filter(line -> line.matches(" +[421] +[124] .*")))
                .hasSize(3);
        assertThat(outcome.out()).contains("GFLOP/s a rank (given), 1000.0 Gbit/s", "Choose train.ranks = 8");
        assertThat(Files.exists(folder.resolve("warehouse"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--network-gbit 0", "--rank-gflops -1", "--rank-memory 0"})
    void aRateThatCannotBeIsRefused(String option) {
        Cli.Outcome outcome = run(" " + option);
        assertThat(outcome.code()).isEqualTo(2);
        assertThat(outcome.err()).contains(option.split(" ")[0], "is not possible", "above 0");
    }

    /** A network so slow that one rank alone is faster than several. */
    @Test
    void oneRankIsNamedWhereExchangesTakeLonger() {
        assertThat(run(" --ranks 4 --rank-gflops 100 --network-gbit 0.001").out())
                .contains("Choose train.ranks = 1 and expert-parallel = 1.");
    }

    @Test
    void whatDoesNotFitIsMarked() {
        Cli.Outcome outcome = run(" --ranks 2 --rank-gflops 1 --rank-memory 0.000001");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("too little memory", "None of these fits");
    }

    @Test
    void withoutARateItIsMeasured() {
        assertThat(run("").out()).containsPattern("[0-9.]+ GFLOP/s a rank \\(measured here\\), 10.0 Gbit/s");
    }
}
