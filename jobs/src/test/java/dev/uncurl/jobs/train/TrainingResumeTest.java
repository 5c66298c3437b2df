package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.Manifest;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.Settings;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.StallingUncurl;
import dev.uncurl.jobs.WeightArray;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.model.ModelInitialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.dataset.DataSet;

/** Pretraining of 24 steps, in segments of 4, that is killed, by the operating system, and started again. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TrainingResumeTest {
    private static final String PRETRAIN = "pretrain --model base --config src/test/resources/tiny/pretrain.conf"
            + " --set corpora=[cc100] --set train.checkpoint.keep=2";

    private Cli cli;
    private Path killed;
    private Map<String, Manifest.Entry> undisturbed;
    private List<Row> undisturbedMetrics;

    @BeforeAll
    void runUndisturbedThenKill(@TempDir Path folder) throws IOException, InterruptedException {
        cli = new Cli(folder.resolve("warehouse"));
        String conf = "src/test/resources/tiny/tokenize.conf";
        cli.succeed("tokenize --config " + conf, "--set", "corpora=[" + corpus(folder) + "]");
        cli.succeed(PRETRAIN);
        undisturbed = files();
        undisturbedMetrics = metrics();
        Files.delete(cli.folder().resolve("models/base/manifest.json"));
        FileUtils.deleteDirectory(cli.folder().resolve("models/base").toFile());

        // with four checkpoints written, in the middle of the fifth
        StallingUncurl.kill(cli, "/.step-20.", PRETRAIN);
        killed = folder.resolve("killed");
        FileUtils.copyDirectory(checkpoints().toFile(), killed.toFile());
    }

    /** So little text that the second epoch begins before the last checkpoint. */
    private static String corpus(Path folder) throws IOException {
        String text = Files.readString(Path.of("../test-data/cc100/fiction.txt"));
        Path train = Files.writeString(folder.resolve("train.txt"), text.substring(0, 5000));
        Path validation = Files.writeString(folder.resolve("validation.txt"), text.substring(5000, 8000));
        return "{ name = cc100, format = cc100, paths = [\"" + train + "\"], validation-paths = [\"" + validation
                + "\"] }";
    }

    @BeforeEach
    void asItWasAfterTheKill() throws IOException {
        FileUtils.deleteDirectory(cli.folder().resolve("models/base").toFile());
        FileUtils.deleteDirectory(checkpoints().toFile());
        FileUtils.copyDirectory(killed.toFile(), checkpoints().toFile());
    }

    private Path checkpoints() {
        return cli.folder().resolve("checkpoints/base");
    }

    private Path checkpoint(int step) {
        return checkpoints().resolve("step-" + step);
    }

    /** The files with their hashes; of the manifest itself only the command may differ. */
    private Map<String, Manifest.Entry> files() {
        return new Models(cli.open()).open("base").manifest().files();
    }

    /** training.metrics apart from the times. */
    private List<Row> metrics() {
        return cli.open()
                .rows(UncurlTable.METRICS, "run_id", "base")
                .drop(
                        "tokens_per_second",
                        "compute_seconds_mean",
                        "compute_seconds_max",
                        "wait_seconds_mean",
                        "wait_seconds_max",
                        "exchange_seconds_mean",
                        "exchange_seconds_max",
                        "data_seconds_mean",
                        "data_seconds_max")
                .orderBy("step")
                .collectAsList();
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aRunThatWasKilledEndsWithTheBitsOfAnUndisturbedOne() throws IOException {
        assertThat(names(checkpoints()))
                .hasSize(3)
                .contains("step-12", "step-16")
                .anyMatch(name -> name.matches("\\.step-20\\..*\\.tmp"));
        assertThat(cli.succeed(PRETRAIN)).contains("Model base: resumed from").contains("/step-16");
        assertThat(files()).isEqualTo(undisturbed);
        assertThat(metrics()).hasSize(12).isEqualTo(undisturbedMetrics);
        assertThat(checkpoints()).doesNotExist();
        // and one that is killed between publishing and cleaning up is cleaned up after
        FileUtils.copyDirectory(killed.toFile(), checkpoints().toFile());
        assertThat(cli.succeed(PRETRAIN)).contains("Model base is there already");
        assertThat(checkpoints()).doesNotExist();
    }

    /** A run resumes with other settings that only observe it. */
    @Test
    void aDamagedCheckpointIsNamedAndTheOneBeforeTakenInstead() throws IOException {
        Path shard = checkpoint(16).resolve("moments-00001-of-00002.safetensors");
        byte[] content = Files.readAllBytes(shard);
        content[content.length - 5] ^= 1;
        Files.write(shard, content);
        assertThat(cli.succeed(PRETRAIN, "--set", "train.spike-factor=0", "--set", "train.checkpoint.every=0"))
                .containsPattern("step-16 is damaged.*moments-00001-of-00002.safetensors")
                .containsPattern("resumed from .*step-12");
        assertThat(files()).isEqualTo(undisturbed);
    }

    @Test
    void whereEveryCheckpointIsDamagedTrainingBeginsAnew() throws IOException {
        for (int step : new int[] {12, 16}) {
            Files.delete(checkpoint(step).resolve("manifest.json"));
        }
        assertThat(cli.succeed(PRETRAIN)).contains("step-16 is damaged", "step-12 is damaged");
        assertThat(files()).isEqualTo(undisturbed);
    }

    @Test
    void checkpointsOfOtherInputsAreThrownAwayAndTheDifferenceIsPrinted() {
        assertThat(cli.succeed(PRETRAIN, "--set", "train.tokens=500", "--set", "train.seed=9"))
                .contains("Model base: an unfinished run with other inputs is discarded:")
                .contains("train: ", "\"seed\":9")
                .doesNotContain("resumed from");
        assertThat(files()).isNotEqualTo(undisturbed);
        assertThat(checkpoints()).doesNotExist();
    }

    @Test
    void anUntrainedModelIsRegisteredWithItsInitialWeightsAndIsMadeOnce() throws IOException {
        String untrained = PRETRAIN.replace("--model base", "--model initial --untrained");
        assertThat(cli.succeed(untrained)).contains("initialised and not trained");
        ModelFolder model = new Models(cli.open()).open("initial");
        model.verify();
        assertThat(model.manifest().lineage().stage()).isEqualTo("initialize");
        long seed = Long.parseLong(model.manifest().lineage().inputs().get("seed"));
        assertThat(WeightArray.of(model))
                .isEqualTo(WeightArray.of(model.config(), ModelInitialization.of(model.config(), seed)));
        assertThat(cli.succeed(untrained)).contains("made from the same inputs: reused");
    }

    /** The learning rate rises in every one of 47 steps: at first the model learns, later its weights are destroyed. */
    @Test
    void theNewestCheckpointsAndTheOneOfLowestValidationLossStayAndAllOthersGo() throws IOException {
        cli.succeed(
                PRETRAIN,
                settings(
                        "tokens=12000",
                        "learning-rate=3",
                        "minimum-learning-rate=3",
                        "warmup=1",
                        "clip=0",
                        "spike-factor=0",
                        "checkpoint.every=2",
                        "validation.every=2"));
        var losses = new TreeMap<Integer, Double>();
        metrics().forEach(row -> losses.put(row.getAs("step"), row.getAs("validation_loss")));
        losses.remove(47); // after the last step the model is published, and its checkpoint removed
        assertThat(losses).hasSize(23);
        int best =
                Collections.min(losses.entrySet(), Map.Entry.comparingByValue()).getKey();
        assertThat(best).as("neither the first nor a late one of %s", losses).isBetween(4, 18);
        assertThat(losses.tailMap(24).values())
                .as("clearly worse than step %d of %s", best, losses)
                .allMatch(loss -> loss > losses.get(best) + 1);
        assertThat(names(checkpoints())).containsExactlyInAnyOrder("step-44", "step-46", "step-" + best);
    }

    private static String[] settings(String... settings) {
        return Stream.concat(Stream.of("checkpoint.stay=true"), Stream.of(settings))
                .flatMap(setting -> Stream.of("--set", "train." + setting))
                .toArray(String[]::new);
    }

    @Test
    void aRunThatDivergesStopsWithStepSequencesAndLastGoodCheckpoint() {
        Cli.Outcome outcome = cli.run(
                Stream.concat(Stream.of(PRETRAIN.split(" ")), Stream.of(settings("learning-rate=1000", "warmup=0")))
                        .toArray(String[]::new));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(6);
        assertThat(outcome.err())
                .containsPattern("train base diverged in step \\d+: loss ")
                .containsPattern("Sequences of the batch: (cc100/\\d+, ){7}cc100/\\d+\n")
                .containsPattern("Last good checkpoint: (none|.*/step-\\d+)\n");
        assertThat(cli.folder().resolve("models/base")).doesNotExist();
    }

    /** The micro-step, 8 sequences, stays the same. */
    @Test
    void anotherNumberOfRanksContinuesARunWithTheSameBatchesAndLossesApartFromRounding() {
        assertThat(cli.succeed(PRETRAIN, "--set", "train.ranks=3", "--set", "train.micro-batch=4"))
                .containsPattern("resumed from .*/step-16, .* which 2 ranks wrote; with 3 the model is the same");
        List<Row> continued = metrics();
        assertThat(continued).hasSize(12);
        for (int i = 0; i < 12; i++) {
            double loss = undisturbedMetrics.get(i).getAs("loss");
            assertThat(continued.get(i).<Double>getAs("loss")).isCloseTo(loss, within(1e-5 * loss));
            assertThat(continued.get(i).<Long>getAs("sequences_hash"))
                    .isEqualTo(undisturbedMetrics.get(i).getAs("sequences_hash"));
        }
        assertThat(files()).isNotEqualTo(undisturbed);
    }

    /** Of four ranks, of which two divide the experts; they begin with a checkpoint of two ranks that held all experts. */
    @Test
    void anotherDivisionOfExpertsContinuesARunAndAnyOtherContinuesThatOne() throws IOException {
        String[] divided = settings("ranks=4", "expert-parallel=2", "micro-batch=2", "checkpoint.every=2");
        String[] whole = settings("ranks=1", "micro-batch=8");
        assertThat(cli.succeed(PRETRAIN, divided))
                .containsPattern("resumed from .*/step-16, .* which 2 ranks wrote; with 4 \\(expert-parallel 2\\) the");
        requireSameLosses();
        Map<String, Manifest.Entry> files = files();
        assertThat(files.keySet()).isEqualTo(undisturbed.keySet());
        assertThat(names(checkpoint(22)))
                .contains("moments-00003-of-00004.safetensors", "model-00003-of-00005.safetensors");

        deleteModel();
        assertThat(cli.succeed(PRETRAIN, divided)).containsPattern("resumed from .*/step-22");
        assertThat(files()).isEqualTo(files);

        deleteModel();
        assertThat(cli.succeed(PRETRAIN, whole))
                .containsPattern("step-22, .* which 4 \\(expert-parallel 2\\) ranks wrote; with 1 the model");
        requireSameLosses();
        assertThat(files()).isNotEqualTo(files);
    }

    private void deleteModel() throws IOException {
        FileUtils.deleteDirectory(cli.folder().resolve("models/base").toFile());
    }

    private void requireSameLosses() {
        List<Row> continued = metrics();
        assertThat(continued).hasSize(12);
        for (int i = 0; i < 12; i++) {
            double loss = undisturbedMetrics.get(i).getAs("loss");
            assertThat(continued.get(i).<Double>getAs("loss")).isCloseTo(loss, within(1e-5 * loss));
        }
    }

    @Test
    void theSequencesOfAStepAreThoseOfTheSeriesHoweverTheyAreDividedAndHoweverFarItIs() {
        TrainConfig train = Settings.load("src/test/resources/tiny/pretrain.conf", List.of())
                .bind(PretrainConfig.class)
                .train();
        try (var data = TrainingData.sequences(cli.open(), List.of("cc100"), train, 32)) {
            var ids = new ArrayList<String>();
            for (int step = 1; ids.size() < 2 * data.size() + 8; step++) {
                ids.addAll(data.ids(step));
            }
            assertThat(ids.subList(0, (int) data.size())).doesNotHaveDuplicates();
            assertThat(ids.subList((int) data.size(), 2 * (int) data.size()))
                    .containsExactlyInAnyOrderElementsOf(ids.subList(0, (int) data.size()))
                    .isNotEqualTo(ids.subList(0, (int) data.size()));
            for (int ranks = 1; ranks <= 3; ranks++) {
                var shares = new StepShares(8, ranks, 2);
                List<List<DataSet>> byRank = data.steps(1, 4, shares).glom().collect();
                assertThat(byRank).hasSize(ranks);
                for (int rank = 0; rank < ranks; rank++) {
                    int own = rank;
                    List<String> expected = IntStream.range(8, 32)
                            .filter(position -> shares.rank(position % 8) == own)
                            .mapToObj(position -> position + " " + ids.get(position))
                            .toList();
                    assertThat(byRank.get(rank).stream()
                                    .map(TrainingSequence::place)
                                    .toList())
                            .isEqualTo(expected);
                }
            }
            assertThat(data.ids(200_000_000)).hasSize(8);
        }
    }
}
