package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on a standalone cluster of two workers, with the properties that conf/spark has for one. */
class StandaloneIT {
    /** For driver and executors, which have other processors' kernels otherwise: the launcher chooses them for the driver. */
    private static final Map<String, String> KERNELS =
            Map.of("OPENBLAS_CORETYPE", "HASWELL", "SPARK_LOCAL_IP", "127.0.0.1");

    private static final String TRAIN = " --config train/demo-pretrain --set model.layers=2 --set model.width=32"
            + " --set model.heads=2 --set model.feed-forward=64 --set model.sequence-length=64 --set train.tokens=20000";
    private static final String SCORES = "SELECT example_id, log_likelihoods, text_loss FROM evaluation.examples"
            + " WHERE model_id = '%s' AND task = 'superglue/copa' ORDER BY example_id";

    private Submit submit;
    private StandaloneCluster cluster;

    @Test
    void everyStageRunsOnTwoExecutorsAndGivesTheBitsOfOneProcess(@TempDir Path folder) throws Exception {
        submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        String corpora = folder.resolve("corpora.conf").toString();
        Path data = Path.of("..", "test-data").toRealPath();
        Files.writeString(
                Path.of(corpora),
                """
                include classpath("conf/tokenize/defaults.conf")
                vocabulary = 8192, sequence-length = 64, validation-fraction = 0.1
                corpora = [
                  { name = cc100, format = cc100, paths = ["%1$s/cc100/speeches.txt"], validation-paths = [] }
                  { name = superglue/copa, format = superglue/copa
                    paths = ["%1$s/superglue/COPA/train.jsonl"], validation-paths = ["%1$s/superglue/COPA/val.jsonl"] }
                ]
                """
                        .formatted(data));
        try (var started = new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), 2, KERNELS)) {
            cluster = started;
            clustered("tokenize --config " + corpora);
            clustered("pretrain --model base --set 'corpora=[cc100]'" + TRAIN);
            clustered("dump-logits --model base --task superglue/copa --tokens 4000");
            clustered("prune --from base --task superglue/copa --method uncurl --experts 4 --model pruned");
            clustered("evaluate --model base --model pruned --task superglue/copa --against base");
            clustered("verify --model pruned");
        }
        alone("pretrain --model alone --set 'corpora=[cc100]'" + TRAIN);
        alone("evaluate --model alone --task superglue/copa");
        String expected = alone("sql --csv \"" + SCORES.formatted("alone") + "\"");
        assertThat(expected.lines().count()).isGreaterThan(50);
        assertThat(alone("sql --csv \"" + SCORES.formatted("base") + "\"")).isEqualTo(expected);
    }

    private void clustered(String command) throws IOException, InterruptedException {
        Submit.Outcome outcome = submit.run(
                "jobs/submit --master " + cluster.url() + " --properties-file conf/spark/standalone.conf -- " + command,
                KERNELS);
        assertThat(outcome.code())
                .withFailMessage(() -> command + "\n" + outcome.out() + outcome.err() + cluster.logs())
                .isZero();
    }

    private String alone(String command) throws IOException, InterruptedException {
        Submit.Outcome outcome = submit.run("jobs/submit " + command, KERNELS);
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        return outcome.out();
    }
}
