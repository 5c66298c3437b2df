package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes of a standalone cluster are killed while every command runs on it; what is in the warehouse at the end has the bits
 * of one undisturbed process. Takes minutes, so that it is run by name: {@code mvn verify -Dtest=TextTableTest
 * -Dit.test=FaultsTrial}, both with failIfNoSpecifiedTests=false. {@code -Dfaults.kills=20 -Dfaults.seed=7} kills more often, or at
 * other moments.
 */
class FaultsTrial {
    private static final Map<String, String> ENVIRONMENT = Map.of("SPARK_LOCAL_IP", "127.0.0.1");
    private static final Pattern STEP = Pattern.compile("(?m)^\\[(\\d+)/");
    private static final int TOKENIZE = 1;
    private static final int PRETRAIN = 2;
    private static final int DUMP = 3;
    private static final int PRUNE = 4;
    private static final int EVALUATE = 5;
    private static final int LONGEST_DELAY_MILLIS = 1500;

    /** What is killed, or stopped. */
    private enum Target {
        EXECUTOR,
        HANGING_EXECUTOR,
        DRIVER,
        WORKER,
        MASTER
    }

    /** @param delayMillis after the step has begun and has executors */
    private record Kill(int step, Target target, int delayMillis) {}

    /** The first six, which every run has; further ones are drawn. */
    private static List<Kill> schedule(int kills, long seed) {
        var random = new SplittableRandom(seed);
        var schedule = new ArrayList<Kill>();
        for (Kill kill : List.of(
                new Kill(TOKENIZE, Target.EXECUTOR, 0),
                new Kill(PRETRAIN, Target.HANGING_EXECUTOR, 0),
                new Kill(PRETRAIN, Target.DRIVER, 0),
                new Kill(DUMP, Target.WORKER, 0),
                new Kill(PRUNE, Target.MASTER, 0),
                new Kill(PRUNE, Target.EXECUTOR, 0))) {
            schedule.add(new Kill(kill.step, kill.target, random.nextInt(LONGEST_DELAY_MILLIS)));
        }
        while (schedule.size() < kills) {
            schedule.add(new Kill(
                    random.nextInt(TOKENIZE, EVALUATE + 1),
                    random.nextInt(3) == 0 ? Target.DRIVER : Target.EXECUTOR,
                    random.nextInt(LONGEST_DELAY_MILLIS)));
        }
        return schedule.stream()
                .sorted((one, other) -> Integer.compare(one.step, other.step))
                .toList();
    }

    private final List<Kill> done = new ArrayList<>();
    /** An executor that hangs, until it has been replaced. */
    private ProcessHandle stopped;

    private Submit submit;
    private StandaloneCluster cluster;
    private Path folder;

    @Test
    void killsChangeNoBit(@TempDir Path temporary) throws Exception {
        folder = temporary;
        submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        Path steps = steps();
        var quiet = new Cli(folder.resolve("quiet"));
        quiet.succeed("demo --verbose --config " + steps);
        List<Kill> open =
                new ArrayList<>(schedule(Integer.getInteger("faults.kills", 6), Long.getLong("faults.seed", 1)));
        int planned = open.size();
        try (var started = new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), 2, ENVIRONMENT)) {
            cluster = started;
            int runs = 0;
            while (!disturbed(steps, runs++, open)) {
                assertThat(runs).as("runs of the driver").isLessThanOrEqualTo(planned);
            }
            // one that is to hit the end of the last step may find it over
            assertThat(done).as("of " + planned).hasSizeGreaterThanOrEqualTo(planned - 1);
            assertSame(quiet, new Cli(folder.resolve("rough")));
        }
    }

    private Path steps() throws IOException {
        Path corpora = SmallCorpora.write(folder, 8192, 64);
        String train = " --set corpora=[cc100] --config train/demo-pretrain --set model.layers=2 --set model.width=32"
                + " --set model.heads=2 --set model.feed-forward=64 --set model.sequence-length=64 --set"
                + " train.tokens=500000 --set train.stall=10 --set train.validation.every=0"
                + " --set train.checkpoint.every=200";
        String all = Stream.of(
                        "tokenize --config " + corpora,
                        "pretrain --model base" + train,
                        "dump-logits --model base --task superglue/copa --tokens 40000",
                        "prune --from base --task superglue/copa --method uncurl --experts 4 --model pruned",
                        "evaluate --model base --model pruned --task superglue/copa --against base",
                        "verify --model pruned")
                .map(line -> "\"" + line + "\"")
                .collect(Collectors.joining(", "));
        return Files.writeString(folder.resolve("steps.conf"), "steps = [" + all + "], queries = []");
    }

    /** Runs all steps, killing as planned; whether the driver has come to the end. */
    private boolean disturbed(Path steps, int run, List<Kill> open) throws IOException, InterruptedException {
        Path out = folder.resolve("out" + run);
        Path err = folder.resolve("err" + run);
        Process driver = submit.start(
                "exec jobs/submit --master " + cluster.url() + " --properties-file conf/spark/standalone.conf"
                        + " --driver-memory 1g --conf spark.network.timeout=40s --conf spark.network.timeoutInterval=10s"
                        + " --conf spark.executor.heartbeatInterval=5s"
                        + " -- demo --verbose --config " + steps + " --warehouse "
                        + folder.resolve("rough"),
                ENVIRONMENT,
                out,
                err);
        try {
            int step = 0;
            long began = System.nanoTime();
            while (driver.isAlive()) {
                Thread.sleep(20);
                String said = Files.readString(out);
                int now = step(said);
                began = now > step ? System.nanoTime() : began;
                step = now;
                if (!open.isEmpty() && (stopped == null || !stopped.isAlive()) && isDue(open.get(0), step, began)) {
                    kill(open.remove(0), driver);
                    began = System.nanoTime();
                }
            }
            boolean killed = driver.exitValue() == 128 + 9;
            assertThat(killed ? 0 : driver.exitValue())
                    .withFailMessage(() -> read(out) + read(err) + done + cluster.logs())
                    .isZero();
            return !killed;
        } finally {
            driver.destroyForcibly();
        }
    }

    private static int step(String out) {
        Matcher heading = STEP.matcher(out);
        int step = 0;
        while (heading.find()) {
            step = Integer.parseInt(heading.group(1));
        }
        return step;
    }

    /** In training there is something to lose after the first checkpoint. */
    private boolean isDue(Kill kill, int step, long began) {
        return (step > kill.step
                        || step == kill.step
                                && (step != PRETRAIN
                                        || Files.exists(folder.resolve("rough/checkpoints/base/step-200"))))
                && (System.nanoTime() - began) / 1_000_000 >= kill.delayMillis
                && !cluster.executors().isEmpty();
    }

    private void kill(Kill kill, Process driver) throws IOException, InterruptedException {
        List<ProcessHandle> executors = cluster.executors();
        ProcessHandle executor = executors.get(kill.delayMillis % executors.size());
        switch (kill.target) {
            case EXECUTOR -> executor.destroyForcibly();
            case HANGING_EXECUTOR -> {
                new ProcessBuilder("kill", "-STOP", "" + executor.pid()).start().waitFor();
                stopped = executor;
            }
            case DRIVER -> driver.destroyForcibly().waitFor();
            case WORKER -> cluster.replaceWorker(kill.delayMillis % 2);
            case MASTER -> cluster.replaceMaster();
        }
        done.add(kill);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void assertSame(Cli quiet, Cli rough) {
        for (String model : List.of("base", "pruned")) {
            assertThat(new Models(rough.open()).open(model).manifest().files())
                    .as(model)
                    .isEqualTo(new Models(quiet.open()).open(model).manifest().files());
        }
        Map<UncurlTable, String> tables = Map.of(
                UncurlTable.SEQUENCES, "corpus; split; sequence_id; hash(tokens)",
                UncurlTable.METRICS, "step; tokens; loss; validation_loss; grad_norm; sequences_hash",
                UncurlTable.LOGITS,
                        "layer; sequence_id; position; token_id; hash(experts, gates, logits, output_norms)",
                UncurlTable.GRAM, "task; split; layer; tokens; hash(gram)");
        tables.forEach((table, columns) -> assertThat(rows(rough, table, columns))
                .as(table.id())
                .isNotEmpty()
                .isEqualTo(rows(quiet, table, columns)));
        String scores = "model_id; example_id; log_likelihoods; text_loss";
        assertThat(rows(rough, UncurlTable.SCORED, scores)).isEqualTo(rows(quiet, UncurlTable.SCORED, scores));
    }

    private static List<String> rows(Cli cli, UncurlTable table, String columns) {
        return cli.open().table(table).selectExpr(columns.split("; ")).collectAsList().stream()
                .map(row -> IntStream.range(0, row.size())
                        .mapToObj(i -> String.valueOf(row.get(i)))
                        .collect(Collectors.joining(" ")))
                .sorted()
                .toList();
    }
}
