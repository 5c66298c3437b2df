package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Routers that choose as before some of their experts were dropped, and send those choices nowhere. */
class ZeroedRouterTest {
    private static final int ROWS = 6;
    private static final TokenBatch BATCH = Models.batch(8, 9, 4);

    private static ModelConfig zeroed(int topK, boolean renormalize, boolean... live) {
        var map = new ArrayList<Integer>();
        int experts = 0;
        for (boolean one : live) {
            map.add(one ? experts++ : MoeLayer.ZEROED);
        }
        return Models.config(live.length, topK, renormalize)
                .withMoeLayers(new TreeMap<>(Map.of(1, new MoeLayer(experts, map))));
    }

    private static SmoeLanguageModel scorer(ModelConfig config, double[] parameters) {
        return SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80);
    }

    /** The definition: the parent, with experts whose output is zero. No gate, choice or score differs by a bit. */
    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true", "4, true"})
    void theModelIsItsParentWithExpertsThatGiveZero(int topK, boolean renormalize) {
        var parent = Models.config(ROWS, topK, renormalize);
        double[] source = Models.parameters(parent, 3);
        boolean[] live = {true, false, false, true, true, false};
        double[] silent = source.clone();
        for (int row = 0; row < ROWS; row++) {
            for (String part : ParameterLayout.FEED_FORWARD) {
                var tensor = ParameterLayout.of(parent).tensor(ParameterLayout.expert(1, row) + part);
                if (!live[row]) {
                    Arrays.fill(silent, (int) tensor.offset(), (int) (tensor.offset() + tensor.length()), 0);
                }
            }
        }
        var config = zeroed(topK, renormalize, live);
        int none = 0;
        try (var before = scorer(parent, silent);
                var after = scorer(config, Models.kept(parent, source, config))) {
            before.forward(BATCH);
            after.forward(BATCH);
            assertThat(after.targetLogProbabilities()).isEqualTo(before.targetLogProbabilities());
            RoutingView then = before.routing(1);
            RoutingView now = after.routing(1);
            assertThat(now.topK()).isEqualTo(topK);
            assertThat(now.expertTokens()).isEqualTo(then.expertTokens());
            assertThat(now.droppedAssignments()).isZero();
            for (int token = 0; token < BATCH.size(); token++) {
                boolean some = false;
                for (int choice = 0; choice < topK && BATCH.tokens()[token] >= 0; choice++) {
                    int row = now.expert(token, choice);
                    some |= live[row];
                    assertThat(row).isEqualTo(then.expert(token, choice));
                    assertThat(now.gate(token, choice)).isEqualTo(live[row] ? then.gate(token, choice) : 0);
                    assertThat(now.dropped(token, choice)).isFalse();
                    assertThat(now.outputNorm(token, choice) > 0).isEqualTo(live[row]);
                }
                none += some || BATCH.tokens()[token] < 0 ? 0 : 1;
            }
        }
        if (topK == 1 || topK == 4) { // three experts were dropped, so that one of four is kept
            assertThat(none > 0).as("tokens all of whose experts were dropped").isEqualTo(topK == 1);
        }
    }

    /** The divisor is the mass of all k choices: what is left is not scaled up for what is gone. */
    @Test
    void gatesThatAreScaledSumToOneLessTheShareOfDroppedChoices() {
        var config = zeroed(3, true, true, false, true, false, true, true);
        try (var model = scorer(config, Models.parameters(config, 5))) {
            model.forward(BATCH);
            RoutingView view = model.routing(1);
            int less = 0;
            for (int token = 0; token < BATCH.size(); token++) {
                if (BATCH.tokens()[token] < 0) {
                    continue;
                }
                double mass = 0;
                double kept = 0;
                double sum = 0;
                for (int choice = 0; choice < 3; choice++) {
                    int row = view.expert(token, choice);
                    double exp = Math.exp(view.logit(token, row));
                    mass += exp;
                    kept += row == 1 || row == 3 ? 0 : exp;
                    sum += view.gate(token, choice);
                }
                assertThat(sum).isCloseTo(kept / mass, within(1e-5));
                less += kept < mass ? 1 : 0;
            }
            assertThat(less).isPositive();
        }
    }

    @Test
    void whereEveryChoiceLeadsNowhereTheBlockPassesItsInputOnAndTrainingGoesOn() {
        var config = zeroed(1, false, false, true, false, false, false, false);
        double[] values = Models.parameters(config, 7);
        var layout = ParameterLayout.of(config);
        var bias = layout.tensor("h.1.ln_2.bias");
        var weight = layout.tensor("h.1.ln_2.weight");
        Arrays.fill(values, (int) weight.offset(), (int) (weight.offset() + weight.length()), 0);
        Arrays.fill(values, (int) bias.offset(), (int) (bias.offset() + bias.length()), 0);
        values[(int) bias.offset()] = 1; // the router's input is (1, 0, 0, ...), so that row 0 is best for every token
        for (int row = 0; row < ROWS; row++) {
            values[(int) layout.tensor(ParameterLayout.router(1)).offset() + row * config.width()] = row == 0 ? 60 : 0;
        }
        var trained = Models.train(config, values, BATCH);
        assertThat(trained.loss().balance()).isZero();
        assertThat(trained.gradients()).doesNotContain(Double.NaN);
        for (String part : ParameterLayout.FEED_FORWARD) {
            var tensor = layout.tensor(ParameterLayout.expert(1, 0) + part);
            assertThat(Arrays.copyOfRange(
                            trained.gradients(), (int) tensor.offset(), (int) (tensor.offset() + tensor.length())))
                    .containsOnly(0);
        }
        double[] other = values.clone();
        for (String part : ParameterLayout.FEED_FORWARD) {
            var tensor = layout.tensor(ParameterLayout.expert(1, 0) + part);
            Arrays.fill(other, (int) tensor.offset(), (int) (tensor.offset() + tensor.length()), 3);
        }
        try (var one = scorer(config, values);
                var two = scorer(config, other)) {
            one.forward(BATCH);
            two.forward(BATCH);
            assertThat(two.targetLogProbabilities()).isEqualTo(one.targetLogProbabilities());
            assertThat(one.expertTokens(1)[0]).isEqualTo((int)
                    IntStream.of(BATCH.tokens()).filter(token -> token >= 0).count());
        }
    }

    /** Dropped experts are not balanced, however many tokens still choose them. */
    @Test
    void theBalanceLossIsThatOfTheKeptExpertsAmongThemselves() {
        var config = zeroed(4, false, true, false, true, false, true, true);
        double[] values = Models.parameters(config, 7);
        var router = ParameterLayout.of(config).tensor(ParameterLayout.router(1));
        for (double dropped : new double[] {-50, 0, 50}) {
            for (int i = 0; i < router.length(); i++) {
                int row = i / config.width();
                values[(int) router.offset() + i] = 0;
                if (i % config.width() == 0) {
                    values[(int) router.offset() + i] = row == 1 || row == 3 ? dropped : 0;
                }
            }
            try (var model = scorer(config, values)) {
                Loss loss = model.forward(BATCH);
                int[] counts = model.expertTokens(1);
                int kept = counts[0] + counts[2] + counts[4] + counts[5];
                assertThat(kept).isPositive();
                assertThat(loss.balance())
                        .as("equal probabilities of the kept ones")
                        .isCloseTo(1, within(1e-6));
            }
        }
    }
}
