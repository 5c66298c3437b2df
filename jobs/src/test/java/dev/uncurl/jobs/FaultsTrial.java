package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes of a standalone cluster are killed while every command runs on it; what is in the warehouse at the end has the bits
 * of one undisturbed process. Takes half an hour, so that it is run by name: {@code mvn verify -Dtest=TextTableTest
 * -Dit.test=FaultsTrial}, both with failIfNoSpecifiedTests=false. {@code -Dfaults.seed=7} kills at other moments,
 * {@code -Dfaults.warehouse=hdfs} (or s3) has the warehouse there, {@code -Dfaults.kills=14} is the least.
 */
class FaultsTrial {
    private static final Map<String, String> ENVIRONMENT = Map.of("SPARK_LOCAL_IP", "127.0.0.1");
    private static final Pattern STEP = Pattern.compile("(?m)^\\[(\\d+)/");
    private static final String ALIGNED = "align pruned: done";

    /** What a step does at a time; pruning has two stages. */
    private enum Phase {
        TOKENIZE(1, 2000),
        PRETRAIN(2, 2000),
        DUMP(3, 2000),
        ALIGN(4, 100),
        ASSEMBLE(4, 100),
        EVALUATE(5, 1500),
        VERIFY(6, 0);

        private final int step;
        private final int longestDelayMillis;

        Phase(int step, int longestDelayMillis) {
            this.step = step;
            this.longestDelayMillis = longestDelayMillis;
        }
    }

    /** What is killed, or stopped. */
    private enum Target {
        EXECUTOR,
        HANGING_EXECUTOR,
        DRIVER,
        WORKER,
        MASTER
    }

    /** @param delayMillis after the phase has begun, or after the kill before, and has executors */
    private record Kill(Phase phase, Target target, int delayMillis) {}

    /** @param in the phase in which it came to pass */
    private record Done(Kill kill, Phase in, int run) {}

    /** These are in every schedule; further ones are drawn. */
    private static final List<Map.Entry<Phase, Target>> ALWAYS = List.of(
            Map.entry(Phase.TOKENIZE, Target.EXECUTOR),
            Map.entry(Phase.TOKENIZE, Target.DRIVER),
            Map.entry(Phase.PRETRAIN, Target.HANGING_EXECUTOR),
            Map.entry(Phase.PRETRAIN, Target.MASTER),
            Map.entry(Phase.PRETRAIN, Target.EXECUTOR),
            Map.entry(Phase.PRETRAIN, Target.DRIVER),
            Map.entry(Phase.DUMP, Target.WORKER),
            Map.entry(Phase.DUMP, Target.DRIVER),
            Map.entry(Phase.ALIGN, Target.EXECUTOR),
            Map.entry(Phase.ALIGN, Target.DRIVER),
            Map.entry(Phase.ASSEMBLE, Target.EXECUTOR),
            Map.entry(Phase.ASSEMBLE, Target.DRIVER),
            Map.entry(Phase.EVALUATE, Target.EXECUTOR),
            Map.entry(Phase.EVALUATE, Target.DRIVER));

    private static List<Kill> schedule(int kills, long seed) {
        var random = new SplittableRandom(seed);
        var schedule = new ArrayList<Kill>();
        ALWAYS.forEach(kill -> schedule.add(kill(kill.getKey(), kill.getValue(), random)));
        while (schedule.size() < kills) {
            schedule.add(kill(
                    Phase.values()[random.nextInt(Phase.VERIFY.ordinal())],
                    random.nextInt(3) == 0 ? Target.DRIVER : Target.EXECUTOR,
                    random));
        }
        return schedule.stream()
                .sorted(Comparator.comparing(Kill::phase)) // a stable order
                .toList();
    }

    private static Kill kill(Phase phase, Target target, SplittableRandom random) {
        return new Kill(phase, target, random.nextInt(phase.longestDelayMillis));
    }

    private final List<Done> done = new ArrayList<>();
    /** An executor that hangs, until it has been replaced. */
    private ProcessHandle stopped;

    private Submit submit;
    private StandaloneCluster cluster;
    private StoragePlace place;
    private StoredPipeline stored;
    private Path folder;

    @Test
    void killsChangeNoBit(@TempDir Path temporary) throws Exception {
        folder = temporary;
        submit = new Submit(Files.createDirectory(folder.resolve("checkout")));
        Path steps = steps();
        var quiet = new Cli(folder.resolve("quiet"));
        quiet.succeed("demo --verbose --config " + steps);
        List<Kill> open =
                new ArrayList<>(schedule(Integer.getInteger("faults.kills", 20), Long.getLong("faults.seed", 1)));
        int planned = open.size();
        Path servers = Files.createDirectory(folder.resolve("servers"));
        try (var storage = StoragePlace.named(System.getProperty("faults.warehouse", "local"), servers);
                var started = new StandaloneCluster(Files.createDirectory(folder.resolve("cluster")), 2, ENVIRONMENT)) {
            place = storage;
            cluster = started;
            SparkSession session = SparkProperties.session(SparkSession.active(), place.properties("rough"));
            var rough = new Cli(place.warehouse("rough"));
            stored = new StoredPipeline(rough);
            int runs = 0;
            while (!disturbed(steps, runs++, open)) {
                assertThat(runs).as("runs of the driver").isLessThanOrEqualTo(planned);
            }
            done.forEach(System.out::println);
            // one that is to hit the end of the last step may find it over
            assertThat(done).as("of " + planned).hasSizeGreaterThanOrEqualTo(planned - 1);
            assertThat(done.stream().map(Done::in))
                    .contains(EnumSet.range(Phase.TOKENIZE, Phase.EVALUATE).toArray(Phase[]::new));
            assertThat(done.stream().map(kill -> kill.kill.target)).contains(Target.values());
            assertSame(quiet, rough, session);
        }
    }

    private Path steps() throws IOException {
        Path corpora = SmallCorpora.write(folder, 8192, 64);
        String train = " --set corpora=[cc100] --config train/demo-pretrain --set model.layers=4 --set model.width=32"
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
                "exec jobs/submit --master " + cluster.url()
                        + place.options(folder.resolve("rough.conf"), "rough", "standalone.conf")
                        + " --driver-memory 1g --conf spark.network.timeout=40s --conf spark.network.timeoutInterval=10s"
                        + " --conf spark.executor.heartbeatInterval=5s"
                        + " -- demo --verbose --config " + steps + " --warehouse " + place.warehouse("rough"),
                ENVIRONMENT,
                out,
                err);
        try {
            Phase phase = null;
            long began = System.nanoTime();
            while (driver.isAlive()) {
                Thread.sleep(20);
                Phase now = phase(Files.readString(out), Files.readString(err));
                began = now != phase ? System.nanoTime() : began;
                phase = now;
                if (!open.isEmpty() && (stopped == null || !stopped.isAlive()) && isDue(open.get(0), phase, began)) {
                    done.add(kill(open.remove(0), phase, run, driver));
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

    /** What the driver does; null if it has not begun, or prepares a phase. In training there is something to lose after a checkpoint. */
    private Phase phase(String out, String err) throws IOException {
        int step = step(out);
        Phase phase = Stream.of(Phase.values())
                .filter(one -> one.step == step)
                .findFirst()
                .orElse(null);
        if (phase == Phase.ALIGN) {
            boolean begun = stored.names("models").stream().anyMatch(name -> name.contains("pruned"));
            return err.contains(ALIGNED) ? Phase.ASSEMBLE : begun ? Phase.ALIGN : null;
        }
        if (phase == Phase.PRETRAIN) {
            boolean begun = stored.names("checkpoints/base").stream().anyMatch(name -> name.startsWith("step-"));
            return begun ? phase : null;
        }
        return phase;
    }

    private static int step(String out) {
        Matcher heading = STEP.matcher(out);
        int step = 0;
        while (heading.find()) {
            step = Integer.parseInt(heading.group(1));
        }
        return step;
    }

    private boolean isDue(Kill kill, Phase phase, long began) {
        return phase != null
                && phase.compareTo(kill.phase) >= 0
                && (System.nanoTime() - began) / 1_000_000 >= kill.delayMillis
                && !cluster.executors().isEmpty();
    }

    private Done kill(Kill kill, Phase phase, int run, Process driver) throws IOException, InterruptedException {
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
        return new Done(kill, phase, run);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static void assertSame(Cli quiet, Cli rough, SparkSession ofRough) {
        Map<UncurlTable, String> tables = Map.of(
                UncurlTable.SEQUENCES, "corpus; split; sequence_id; hash(tokens)",
                UncurlTable.METRICS, "step; tokens; loss; validation_loss; grad_norm; sequences_hash",
                UncurlTable.LOGITS,
                        "layer; sequence_id; position; token_id; hash(experts, gates, logits, output_norms)",
                UncurlTable.GRAM, "task; split; layer; tokens; hash(gram)",
                UncurlTable.SCORED, "model_id; example_id; log_likelihoods; text_loss");
        Map<String, Object> expected = state(quiet, tables);
        SparkProperties.use(ofRough);
        Map<String, Object> found = state(rough, tables);
        expected.forEach((what, state) -> assertThat(found.get(what)).as(what).isEqualTo(state));
    }

    private static Map<String, Object> state(Cli cli, Map<UncurlTable, String> tables) {
        var state = new TreeMap<String, Object>();
        for (String model : List.of("base", "pruned")) {
            state.put(model, new Models(cli.open()).open(model).manifest().files());
        }
        tables.forEach((table, columns) -> {
            List<String> rows = StoredRows.of(cli, table, columns);
            assertThat(rows).as(table.id()).isNotEmpty();
            state.put(table.id(), rows);
        });
        return state;
    }
}
