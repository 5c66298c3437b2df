package dev.uncurl.jobs.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.config.Settings;
import dev.uncurl.error.UserError;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSizeTest {
    @Property(tries = 100)
    void countsTheParametersOfTheLayout(
            @ForAll @IntRange(min = 1, max = 4) int layers,
            @ForAll @IntRange(min = 1, max = 6) int halfWidth,
            @ForAll @IntRange(min = 1, max = 9) int feedForward,
            @ForAll @IntRange(max = 5) int experts,
            @ForAll @IntRange(min = 1, max = 3) int every) {
        var config = new ModelConfig(
                layers, 2 * halfWidth, 2, feedForward, 50, 7, new MoeConfig(experts, 1, every, false, 0, 0));
        assertThat(ModelSize.parameters(config))
                .isEqualTo(ParameterLayout.of(config).length());
    }

    private static PretrainConfig demo(String... settings) {
        return Settings.load("train/demo-pretrain", List.of(settings)).bind(PretrainConfig.class);
    }

    static Stream<Arguments> tooLarge() {
        return Stream.of(
                Arguments.of("parameters", List.of("model.moe.experts=16384", "model.feed-forward=4096")),
                Arguments.of("parameters", List.of("model.width=32768", "model.heads=1")),
                Arguments.of(
                        "tokens at a time", List.of("train.ranks=1", "train.batch=65536", "train.micro-batch=65536")),
                Arguments.of("train.tokens", List.of("train.tokens=1000000000000000")));
    }

    @ParameterizedTest
    @MethodSource("tooLarge")
    void whatDoesNotFitIsRefusedWithSizeLimitAndWayOut(String what, List<String> settings) {
        var config = demo(settings.toArray(String[]::new));
        assertThatThrownBy(() -> check(config))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(what)
                .hasMessageMatching("(?s).*(limit|at most|2147483647).*")
                .hasMessageMatching("(?s).*(smaller|fewer).*");
    }

    /** The checks of a run in local mode. */
    private static void check(PretrainConfig config) {
        ModelSize.checkTraining(config.model(), config.train());
        ModelSize.checkTrainingTogether(config.model(), config.train());
    }

    @Test
    void aTimedBatchThatDoesNotFitIsRefused() {
        var model = demo().model();
        assertThatThrownBy(() -> ModelSize.checkScoring(model, 1L << 40))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("1,099,511,627,776 tokens");
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 128})
    void theLargePresetsAreRefusedUntilExpertsAreDivided(int experts) {
        var model = Settings.load("model/354m-" + experts + "e", List.of()).bind(ModelConfig.class);
        assertThat(model.moe().experts()).isEqualTo(experts);
        var train = demo().train();
        assertThatThrownBy(() -> ModelSize.checkTraining(model, train))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("GB per rank to train")
                .hasMessageContaining("can have at most")
                .hasMessageContaining("moe.experts");
    }

    /** A rank of the divided model has few enough parameters; what it lacks in this process is memory. */
    @Test
    void aLargePresetIsOneOfMemoryAloneWhenItsExpertsAreDivided() {
        var model = Settings.load("model/354m-32e", List.of()).bind(ModelConfig.class);
        var train = demo("train.ranks=16", "train.expert-parallel=8", "train.micro-batch=1")
                .train();
        ModelSize.checkTraining(model, train);
        assertThatThrownBy(() -> ModelSize.checkTrainingTogether(model, train))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("over the limit")
                .hasMessageContaining("rows of other ranks")
                .hasMessageContaining(
                        "more train.ranks, a larger train.expert-parallel or a smaller train.micro-batch");
    }

    @Test
    void expertsThatCannotBeDividedAreRefused() {
        var config = demo();
        var train = demo("train.ranks=16", "train.expert-parallel=16").train();
        assertThatThrownBy(() -> ModelSize.checkTraining(config.model(), train))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("block 1 has only 8 experts")
                .hasMessageContaining("set train.expert-parallel to 8 or less");
        assertThatThrownBy(() -> demo("train.ranks=4", "train.expert-parallel=3"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("a divisor of train.ranks, 4");
    }

    @Test
    void momentsThatAreTooManyForARankAreDividedAmongMore() {
        var model = Settings.load("model/354m-8e", List.of("moe.experts=10")).bind(ModelConfig.class);
        long parameters = ModelSize.parameters(model);
        assertThat(parameters).isBetween(ModelSize.MOST_TRAINED / 2, ModelSize.MOST_TRAINED);
        assertThatThrownBy(() ->
                        ModelSize.checkTraining(model, demo("train.ranks=1").train()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Make train.ranks larger");
    }

    @Test
    void ranksThatDoNotFitIntoOneProcessTogetherAreRefused() {
        var config = demo("train.ranks=4096", "train.batch=65536");
        ModelSize.checkTraining(config.model(), config.train());
        assertThatThrownBy(() -> ModelSize.checkTrainingTogether(config.model(), config.train()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("4096 ranks in memory together")
                .hasMessageContaining("train.ranks smaller");
    }

    /** Moments of a slice; one micro-step needs no sum of gradients; a rank computes no more sequences than it has. */
    @Test
    void aRankTakesMomentsOfItsSliceAndSumsOverMicroSteps() {
        var model = demo().model();
        long parameters = ModelSize.parameters(model);
        long one = bytes("train.ranks=1", "train.batch=16", "train.micro-batch=4");
        long four = bytes("train.ranks=4", "train.batch=64", "train.micro-batch=4");
        long atOnce = bytes("train.ranks=4", "train.batch=16", "train.micro-batch=4");
        assertThat(one - four).isEqualTo(4 * (2 * parameters - 2 * ((parameters + 3) / 4)));
        assertThat(four - atOnce).isEqualTo(4 * parameters);
        assertThat(bytes("train.ranks=4", "train.batch=16", "train.micro-batch=16"))
                .isEqualTo(atOnce);
    }

    private static long bytes(String... settings) {
        var config = demo(settings);
        return ModelSize.trainingBytes(config.model(), config.train());
    }

    @Test
    void aModelOfTheDemoFits() {
        check(demo());
    }
}
