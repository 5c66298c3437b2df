package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.jobs.warehouse.UncurlTable;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Commands with executors in containers of YARN, by conf/spark/yarn.conf. Run by name:
 * {@code mvn -pl lib,jobs test -Dtest=YarnTrial -Dsurefire.failIfNoSpecifiedTests=false}
 */
final class YarnTrial {
    private static final String PRETRAIN =
            "pretrain --config src/test/resources/tiny/pretrain.conf --set corpora=[cc100]"
                    + " --set train.ranks=2 --set train.tokens=5000 --model ";

    @Test
    void ranksInContainersOfYarnMakeTheModelOfThreads(@TempDir Path folder) throws Exception {
        var cli = new Cli(folder.resolve("warehouse"));
        cli.succeed("tokenize --config src/test/resources/tiny/tokenize.conf");
        cli.succeed(PRETRAIN + "threads");
        String warehouse = " --warehouse " + cli.folder();
        String said;
        try (var yarn = new YarnCluster(folder.resolve("cluster"))) {
            said = new ClusterDriver(folder)
                    .run(
                            yarn,
                            2,
                            "1g",
                            List.of(
                                    "verify cluster --ranks 2" + warehouse,
                                    PRETRAIN + "yarn" + warehouse,
                                    "dump-logits --model yarn --task superglue/copa" + warehouse,
                                    "prune --from yarn --task superglue/copa --method uncurl --experts 2 --model pruned"
                                            + warehouse));
        }
        System.out.println(said);
        assertThat(said).contains("Executors: 2; tasks at a time: 2", "Model pruned");
        List<Row> threads = losses(cli, "threads");
        List<Row> containers = losses(cli, "yarn");
        assertThat(containers).hasSameSizeAs(threads).hasSizeGreaterThan(2);
        for (int i = 0; i < threads.size(); i++) {
            assertThat(containers.get(i).<Double>getAs("loss"))
                    .as("OpenBLAS may compute by other instructions")
                    .isCloseTo(threads.get(i).<Double>getAs("loss"), within(1e-4));
            assertThat(containers.get(i).<Object>getAs("sequences_hash"))
                    .isEqualTo(threads.get(i).getAs("sequences_hash"));
        }
    }

    private static List<Row> losses(Cli cli, String model) {
        return cli.open()
                .rows(UncurlTable.METRICS, "run_id", model)
                .select("step", "loss", "sequences_hash")
                .orderBy("step")
                .collectAsList();
    }
}
