package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on a standalone cluster of two workers, with the properties that conf/spark has for one. */
class StandaloneIT {
    /** A core that all x86-64 machines of the tests have, and that is not the one which OpenBLAS chooses by itself on many. */
    private static final Map<String, String> KERNELS =
            Map.of("OPENBLAS_CORETYPE", "HASWELL", "SPARK_LOCAL_IP", "127.0.0.1");

    private static final String TRAIN = " --set corpora=[cc100] --config train/demo-pretrain --set model.layers=2"
            + " --set model.width=32 --set model.heads=2 --set model.feed-forward=64 --set model.sequence-length=64"
            + " --set train.tokens=20000";

    /** The scores of each example, and how many models have them. */
    private static final String SCORES =
            "SELECT example_id, log_likelihoods, text_loss, count(*) FROM evaluation.examples"
                    + " WHERE model_id IN ('base', 'alone') AND task = 'superglue/copa' GROUP BY 1, 2, 3";

    private Submit submit;

    @Test
    void everyStageRunsOnTwoExecutorsAndGivesTheBitsOfOneProcess(@TempDir Path folder) throws Exception {
        submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        Path corpora = SmallCorpora.write(folder, 8192, 64);
        Path clustered = steps(
                folder.resolve("clustered.conf"),
                "tokenize --config " + corpora,
                "pretrain --model base" + TRAIN,
                "dump-logits --model base --task superglue/copa --tokens 4000",
                "prune --from base --task superglue/copa --method uncurl --experts 4 --model pruned",
                "evaluate --model base --model pruned --task superglue/copa --against base",
                "verify --model pruned");
        try (var cluster = new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), 2, KERNELS)) {
            Submit.Outcome outcome = submit.run(
                    "jobs/submit --master " + cluster.url() + " --properties-file conf/spark/standalone.conf --"
                            + " demo --verbose --config " + clustered,
                    KERNELS);
            assertThat(outcome.code())
                    .withFailMessage(() -> outcome.out() + outcome.err() + cluster.logs())
                    .isZero();
            Submit.Outcome tooMany = submit.run(
                    "jobs/submit --master " + cluster.url() + " --properties-file conf/spark/standalone.conf --conf"
                            + " spark.scheduler.maxRegisteredResourcesWaitingTime=15s"
                            + " -- verify cluster --ranks 3",
                    KERNELS);
            assertThat(tooMany.code())
                    .withFailMessage(() -> tooMany.out() + tooMany.err() + cluster.logs())
                    .isEqualTo(2);
            assertThat(tooMany.out())
                    .contains("3 ranks need 3 free slots, but the cluster gives 2 after 15 s", "train.ranks=2")
                    .contains("Executors: 2; tasks at a time: 2", "OpenBLAS Haswell", "read, written", " 4295 ")
                    .doesNotContain("To change:");
        }
        Path alone = steps(
                folder.resolve("alone.conf"),
                "pretrain --model alone" + TRAIN,
                "evaluate --model alone --task superglue/copa");
        alone("demo --config " + alone);
        List<String> scores =
                alone("sql --csv \"" + SCORES + "\"").lines().skip(1).toList();
        assertThat(scores).hasSizeGreaterThan(50).allMatch(row -> row.endsWith(",2"));
    }

    private static Path steps(Path file, String... commands) throws IOException {
        String steps = Stream.of(commands).map(line -> "\"" + line + "\"").collect(Collectors.joining(", "));
        return Files.writeString(file, "steps = [" + steps + "], queries = []");
    }

    private String alone(String command) throws IOException, InterruptedException {
        Submit.Outcome outcome = submit.run("jobs/submit " + command, KERNELS);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        return outcome.out();
    }
}
