package dev.uncurl.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class LatencyTest {
    private static final Latency.Setting SETTING = new Latency.Setting(2, 12, 1, 3);

    private static ModelConfig config(int experts) {
        return new ModelConfig(4, 16, 2, 32, 50, 24, new MoeConfig(experts, 1, 2, false, 0.01, 0, 0));
    }

    private static Latency.Model model(int experts) {
        ModelConfig config = config(experts);
        return new Latency.Model(config, Nd4j.createFromArray(WeightArrays.initial(config, 1)));
    }

    @Test
    void everyModelHasAsManyTimesAsRepeatsAndAllParts() {
        try (var latency = new Latency(List.of(model(2), model(4)), 24)) {
            List<PassTimes> times = latency.measure(SETTING);
            assertThat(latency.threads()).isPositive();
            assertThat(times).hasSize(2).allSatisfy(one -> {
                assertThat(one.nanos()).hasSize(3);
                assertThat(one.shares())
                        .containsOnlyKeys(
                                "attention",
                                "dispatch",
                                "embedding",
                                "exchange",
                                "experts",
                                "feed-forward",
                                "head",
                                "norm",
                                "other",
                                "router");
                assertThat(one.shares().values().stream()
                                .mapToDouble(Double::doubleValue)
                                .sum())
                        .isCloseTo(1, within(1e-9));
                assertThat(one.shares().get("exchange")).isZero();
                for (String part : List.of("router", "dispatch", "experts", "attention", "head", "feed-forward")) {
                    assertThat(one.shares().get(part)).as(part).isPositive();
                }
            });
        }
    }

    @Test
    void aModelWithoutExpertsSpendsNothingOnThem() {
        try (var latency = new Latency(List.of(model(0)), 24)) {
            var shares = latency.measure(SETTING).get(0).shares();
            for (String part : List.of("router", "dispatch", "experts")) {
                assertThat(shares.get(part)).as(part).isZero();
            }
        }
    }

    @Test
    void modelsThatDoNotFitTogetherAreRefusedWithTheNumbers() {
        var large = new ModelConfig(24, 4096, 16, 16_384, 50_000, 1024, new MoeConfig(64, 1, 2, false, 0.01, 0, 0));
        assertThatThrownBy(() -> Latency.checkMemory(Collections.nCopies(3, large), List.of(SETTING)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("3 models in memory together, for 24 tokens at a time, need")
                .hasMessageContaining("MB")
                .hasMessageContaining("Name fewer models");
    }

    @Test
    void aSettingWithoutAPassIsRefused() {
        assertThatThrownBy(() -> new Latency.Setting(1, 8, 0, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
