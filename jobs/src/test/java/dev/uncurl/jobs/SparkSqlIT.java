package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lines of schemas/README.md that start Spark's own spark-sql, through Spark's launcher and SparkSubmit. */
class SparkSqlIT {
    private static final String VIEW = "SELECT * FROM load_imbalance";

    /** Written by module jobs/spark-sql. */
    private static final Path CLASSPATH = Path.of("spark-sql/target/classpath");

    @Test
    void sparkSqlShowsTheRowsThatOurOwnSqlShows(@TempDir Path folder) throws Exception {
        assertThat(CLASSPATH).as("made by mvn verify in the topmost folder").exists();
        var submit = new Submit(folder);
        Warehouse warehouse = TokenizeFixture.warehouse(folder.resolve("warehouse"));
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(5, 2), 1);
        RoutingFixture.task(warehouse, "superglue/copa", 20, 3);
        RoutingFixture.dump(warehouse, "base", "superglue/copa", 0);

        Path home = SparkDistribution.make(folder.resolve("spark"), CLASSPATH);
        Submit.Outcome outcome = submit.run(commands(), Map.of("SPARK_HOME", home.toString()));
        assertThat(outcome.code()).as(outcome.err()).isZero();
        assertThat(outcome.err()).contains(SparkDistribution.SIGN);
        String csv = new Cli(folder.resolve("warehouse")).succeed("sql", VIEW, "--csv");
        assertThat(outcome.out().replace('\t', ',').lines())
                .containsExactlyInAnyOrderElementsOf(csv.lines().skip(1).toList())
                .hasSize(2);
        assertThat(folder.resolve("metastore_db")).doesNotExist();
    }

    /** The block of the page that has spark-sql. */
    private static String commands() throws IOException {
        List<String> blocks = Arrays.stream(
                        Files.readString(Path.of("../schemas/README.md")).split("\n```"))
                .filter(block -> block.contains("bin/spark-sql"))
                .toList();
        assertThat(blocks).singleElement().asString().contains(VIEW);
        return blocks.get(0);
    }
}
