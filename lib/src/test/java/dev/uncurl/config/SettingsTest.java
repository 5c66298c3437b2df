package dev.uncurl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    record Recipe(ModelConfig model, TrainConfig train) {}

    private static final String FILE =
            """
            model {
              layers = 2, width = 8, heads = 2, feed-forward = 16, vocabulary = 300, sequence-length = 16
              moe { experts = 4, top-k = 1, every = 2, renormalize = false, balance-loss = 0.01, z-loss = 0, capacity-factor = 0 }
            }
            train {
              tokens = 1000, ranks = 2, expert-parallel = 1, batch = 4, micro-batch = 2, metrics-every = 2, checksum-every = 0, restarts = 2, stall = 60
              learning-rate = 1e-3, minimum-learning-rate = 1e-4, warmup = 0.1
              beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight-decay = 0.1, clip = 1, loss-on = target, seed = 7
              spike-factor = 3, validation { every = 2, sequences = 8 }, checkpoint { every = 4, keep = 2, stay = false }
            }
            """;

    @TempDir
    Path folder;

    private Settings settings(String... overrides) throws IOException {
        Path file = Files.writeString(folder.resolve("recipe.conf"), FILE);
        return Settings.load(file.toString(), List.of(overrides));
    }

    @Test
    void bindsRecordsAndLaysSettingsOverTheFile() throws IOException {
        var recipe = settings("train.batch=8", "model.moe.experts=2").bind(Recipe.class);
        assertThat(recipe.model().moe().experts()).isEqualTo(2);
        assertThat(recipe.train().batch()).isEqualTo(8);
        assertThat(recipe.train().lossOn()).isEqualTo(TrainConfig.LossOn.TARGET);
        assertThat(recipe.model().moeLayers()).containsExactly(1);
    }

    @Test
    void refusesAnUnknownKeyWithTheNearestValidOne() {
        assertThatThrownBy(() -> settings("model.moe.expert=2").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Unknown key model.moe.expert in --set")
                .hasMessageContaining("Did you mean experts?");
    }

    /** Pruning alone makes models whose blocks differ. */
    @Test
    void refusesExpertsByLayerAsASetting() {
        assertThatThrownBy(() -> settings("model.moe.by-layer={}").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Unknown key model.moe.by-layer");
    }

    @Test
    void namesTheKeyOfAValueThatIsNotPossible() {
        assertThatThrownBy(() -> settings("model.heads=3").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("heads = 3")
                .hasMessageContaining("divisor of width = 8");
        assertThatThrownBy(() -> settings("train.batch=many").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.batch");
        assertThatThrownBy(() -> settings("train.loss-on=tragets").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.loss-on");
    }

    /** What a model without one was recorded with before there were capacity factors, it is recorded with still. */
    @Test
    void theJsonOfAModelNamesACapacityFactorOnlyIfItHasOne() throws IOException {
        var model = settings().bind(Recipe.class).model();
        assertThat(Settings.json(model)).contains("\"z-loss\":0.0").doesNotContain("capacity");
        var limited =
                settings("model.moe.capacity-factor=1.25").bind(Recipe.class).model();
        assertThat(Settings.json(limited)).contains("\"capacity-factor\":1.25");
    }

    @Test
    void refusesTrainingSettingsThatCannotBeMetAndSaysWhatCan() {
        for (String bad : List.of(
                "micro-batch=5",
                "micro-batch=0",
                "spike-factor=0.5",
                "validation.every=-1",
                "validation.sequences=0",
                "checkpoint.every=-1",
                "checkpoint.keep=0")) {
            assertThatThrownBy(() -> settings("train." + bad).bind(Recipe.class))
                    .as(bad)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("train." + bad.replace("=", " = ") + " is not possible");
        }
    }

    @Test
    void everyNumberHasARange() {
        for (String key : List.of(
                "model.layers",
                "model.width",
                "model.heads",
                "model.feed-forward",
                "model.vocabulary",
                "model.sequence-length",
                "model.moe.experts",
                "model.moe.top-k",
                "model.moe.every",
                "model.moe.balance-loss",
                "model.moe.z-loss",
                "model.moe.capacity-factor",
                "train.tokens",
                "train.ranks",
                "train.batch",
                "train.micro-batch",
                "train.metrics-every",
                "train.checksum-every",
                "train.restarts",
                "train.stall",
                "train.learning-rate",
                "train.minimum-learning-rate",
                "train.warmup",
                "train.beta1",
                "train.beta2",
                "train.epsilon",
                "train.weight-decay",
                "train.clip",
                "train.spike-factor",
                "train.validation.sequences",
                "train.checkpoint.keep")) {
            for (String value : List.of("-1", "1000000000000000000", "1e400", "NaN", "-Infinity")) {
                assertThatThrownBy(() -> settings(key + "=" + value).bind(Recipe.class))
                        .as(key + "=" + value)
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining(key.substring(key.lastIndexOf('.') + 1));
            }
        }
    }

    @Test
    void aMissingIncludeIsAnErrorWhereverItIs() throws IOException {
        Path other = Files.writeString(folder.resolve("other.conf"), "include \"nowhere.conf\"\nmodel.width = 8");
        for (String include : List.of(
                "include \"nowhere.conf\"",
                "include file(\"" + folder.resolve("nowhere.conf") + "\")",
                "include classpath(\"conf/nowhere.conf\")",
                "include \"" + other + "\"")) {
            Path file = Files.writeString(folder.resolve("including.conf"), include + "\n" + FILE);
            assertThatThrownBy(() -> Settings.load(file.toString(), List.of()))
                    .as(include)
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("nowhere");
        }
    }

    @Test
    void anIncludeIsReadRelativeToItsFile() throws IOException {
        Files.writeString(folder.resolve("other.conf"), FILE);
        Path file = Files.writeString(folder.resolve("including.conf"), "include \"other\"\ntrain.batch = 16");
        assertThat(Settings.load(file.toString(), List.of())
                        .bind(Recipe.class)
                        .train()
                        .batch())
                .isEqualTo(16);
    }

    @Test
    void refusesWhatIsNoTextFile() throws IOException {
        Path binary = Files.write(folder.resolve("binary.conf"), new byte[] {'a', '=', (byte) 0xff, (byte) 0xfe, 0});
        assertThatThrownBy(() -> Settings.load(binary.toString(), List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("UTF-8");
        assertThatThrownBy(() -> Settings.load(folder.toString(), List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("is a folder");
        assertThatThrownBy(() -> Settings.load("a\0b", List.of())).isInstanceOf(UserError.class);
    }

    @Test
    void theInputsOfATrainedModelAreTheSettingsThatShapeItsWeights() throws IOException {
        Map<String, String> inputs = settings().bind(Recipe.class).train().inputs();
        for (String watching : List.of(
                "spike-factor=0",
                "validation.every=0",
                "checkpoint.stay=true",
                "metrics-every=1",
                "checksum-every=1",
                "restarts=0",
                "stall=1",
                "micro-batch=4")) { // both are one micro-step of the whole batch
            assertThat(settings("train." + watching).bind(Recipe.class).train().inputs())
                    .as(watching)
                    .isEqualTo(inputs);
        }
        for (String shaping : List.of("micro-batch=1", "seed=8", "learning-rate=2e-3", "ranks=1", "batch=8")) {
            assertThat(settings("train." + shaping).bind(Recipe.class).train().inputs())
                    .as(shaping)
                    .isNotEqualTo(inputs);
        }
        assertThat(inputs).containsEntry("ranks", "2").containsEntry("micro-step", "4");
        assertThat(inputs.get("train"))
                .startsWith("{\"tokens\":1000,\"batch\":4,")
                .endsWith("\"seed\":7}");
    }

    @Test
    void ranksWithTheSameMicroStepDifferInTheNumberOfRanksAlone() throws IOException {
        var inputs = new TreeMap<>(
                settings("train.batch=8").bind(Recipe.class).train().inputs());
        inputs.put("ranks", "4");
        assertThat(settings("train.batch=8", "train.ranks=4", "train.micro-batch=1")
                        .bind(Recipe.class)
                        .train()
                        .inputs())
                .isEqualTo(inputs);
    }

    @Test
    void aSettingOfAveragedRanksIsRefusedWithWhatToDoInstead() {
        assertThatThrownBy(() -> settings("train.averaging-frequency=10").bind(Recipe.class))
                .isInstanceOfSatisfying(
                        UserError.class, error -> assertThat(error.kind()).isEqualTo(UserError.Kind.USAGE))
                .hasMessageContaining("train.averaging-frequency (--set: 1) is not a setting any more")
                .hasMessageContaining("ranks * the earlier batch")
                .hasMessageContaining("train.metrics-every");
    }

    @Test
    void aRunHasTheStepsThatItsTokensNeedWhateverTheRanks() throws IOException {
        for (String ranks : List.of("1", "2", "3")) {
            TrainConfig train = settings("train.ranks=" + ranks, "train.micro-batch=1")
                    .bind(Recipe.class)
                    .train();
            assertThat(train.steps(16)).isEqualTo(16); // 1,000 tokens in batches of 4 * 16
        }
        assertThatThrownBy(() -> settings("train.ranks=5").bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("train.ranks = 5");
    }

    @Test
    void whatIsDoneEverySoManyStepsIsDueAtTheEndOfTheStepsThatReachThem() throws IOException {
        TrainConfig train = settings().bind(Recipe.class).train();
        assertThat(train.isDue(5, 3, 6)).isTrue();
        assertThat(train.isDue(5, 6, 9)).isFalse();
        assertThat(train.isDue(5, 9, 12)).isTrue();
        assertThat(train.isDue(1, 0, 4)).isTrue();
        assertThat(train.isDue(0, 0, 4)).isFalse();
    }

    @Test
    void refusesAMissingKey() throws IOException {
        Path file = Files.writeString(folder.resolve("short.conf"), FILE.replace("heads = 2,", ""));
        assertThatThrownBy(() -> Settings.load(file.toString(), List.of()).bind(Recipe.class))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("heads");
    }

    @Test
    void describesEachValueWithItsOrigin() throws IOException {
        assertThat(settings("train.batch=8").describe())
                .contains("train.batch = 8    # --set")
                .containsPattern("model.width = 8    # .*recipe.conf: 2");
    }

    @Test
    void refusesAConfigurationThatIsNotThere() {
        assertThatThrownBy(() -> Settings.load("train/nowhere", List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("conf/train/nowhere.conf");
    }

    @Test
    void aNameThatLeadsOutOfConfIsNoConfiguration() {
        for (String name : List.of("../conf/train/demo", "train/../train/demo", "train//demo", "/train/demo", "a\0b")) {
            assertThatThrownBy(() -> Settings.load(name, List.of()))
                    .isInstanceOfSatisfying(UserError.class, userError -> assertThat(userError.kind())
                            .isEqualTo(UserError.Kind.USAGE));
        }
    }

    @Test
    void theFileOfTheSubmittingMachineIsReadUnderItsName() {
        var encoder = java.util.Base64.getEncoder();
        String name = encoder.encodeToString("/there/my.conf".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        String text = encoder.encodeToString("train.ranks = 7".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        System.setProperty("uncurl.config", name + ":" + text);
        try {
            assertThat(Settings.load("/there/my.conf", List.of("train.batch=3")).describe())
                    .contains("train.ranks = 7", "train.batch = 3", "my.conf");
            assertThatThrownBy(() -> Settings.load("/there/other.conf", List.of()))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("other.conf");
        } finally {
            System.clearProperty("uncurl.config");
        }
    }
}
