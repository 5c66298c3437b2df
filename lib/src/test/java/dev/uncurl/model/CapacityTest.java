package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a capacity factor drops, and what it leaves alone. */
class CapacityTest {
    private static final TokenBatch BATCH = Models.batch(6, 9, 21);

    private static SmoeLanguageModel trainer(ModelConfig config, double[] parameters, INDArray gradients) {
        return SmoeLanguageModel.forTraining(config, Models.array(parameters, DataType.FLOAT), gradients, 80);
    }

    private static INDArray gradients(double[] parameters) {
        return Models.array(parameters, DataType.FLOAT);
    }

    @ParameterizedTest
    @CsvSource({
        "1.25, 4, 1, 32, 10",
        "1.1, 4, 1, 40, 11", // 11.000000000000002 in binary
        "1, 5, 2, 7, 3",
        "0.01, 8, 1, 9, 1",
        "3, 4, 2, 10, 10",
        "1e6, 4, 1, 10, 10",
        "1, 4, 1, 0, 0",
        "0, 4, 2, 10, 10"
    })
    void capacityIsTheEvenShareTimesTheFactorRoundedUp(double factor, int experts, int topK, int tokens, int capacity) {
        assertThat(new MoeConfig(experts, topK, 2, false, 0, 0, factor).capacity(1, tokens))
                .isEqualTo(capacity);
    }

    @Test
    void aFactorThatIsNoFactorIsRefused() {
        for (double factor : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new MoeConfig(4, 1, 2, false, 0, 0, factor))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("moe.capacity-factor = " + factor);
        }
    }

    @Test
    void firstChoicesGoBeforeSecondOnesAndThenTheOrderOfTokens() {
        int[] chosen = {0, 1, 1, 0, 0, 1, -1, -1, 1, 0};
        assertThat(slots(chosen, 2)).isDeepEqualTo(new int[][] {{0, 2, 1, -1, 3}, {-1, -1, -1, -1, -1}});
        assertThat(slots(chosen, 3)).isDeepEqualTo(new int[][] {{0, 4, 2, -1, 5}, {3, 1, -1, -1, -1}});
        assertThat(slots(chosen, 4)).isDeepEqualTo(new int[][] {{0, 5, 2, -1, 7}, {4, 1, 6, -1, 3}});
    }

    private static int[][] slots(int[] chosen, int capacity) {
        int tokens = chosen.length / 2;
        var moe = new MoeConfig(2, 2, 2, false, 0, 0);
        var router = new Router(null, moe, 1, null, tokens);
        System.arraycopy(chosen, 0, router.chosen, 0, chosen.length);
        var dispatch = new Dispatch(2, 2, tokens);
        var assignments = new TokenAssignments(router, moe.layer(1), 2, tokens);
        dispatch.sort(assignments, tokens, capacity, new double[][] {dispatch.count(assignments, tokens)}, 0);
        return dispatch.slot;
    }

    /** What every rank knows of the others' assignments from their numbers is what these keep. */
    @Property(tries = 100)
    void keptAssignmentsOfEachRankFollowFromTheNumbersOfAll(
            @ForAll Random random,
            @ForAll @IntRange(min = 1, max = 4) int ranks,
            @ForAll @IntRange(max = 9) int capacity) {
        var moe = new MoeConfig(3, 2, 2, false, 0, 0);
        var dispatches = new ArrayList<Dispatch>();
        var assignments = new ArrayList<TokenAssignments>();
        double[][] counts = new double[ranks][];
        for (int rank = 0; rank < ranks; rank++) {
            var router = new Router(null, moe, 1, null, 8);
            for (int token = 0; token < 8; token++) {
                int first = random.nextInt(3);
                boolean padding = random.nextInt(4) == 0;
                router.chosen[2 * token] = padding ? -1 : first;
                router.chosen[2 * token + 1] = padding ? -1 : (first + 1 + random.nextInt(2)) % 3;
            }
            dispatches.add(new Dispatch(3, 2, 8));
            assignments.add(new TokenAssignments(router, moe.layer(1), 2, 8));
            counts[rank] = dispatches.get(rank).count(assignments.get(rank), 8);
        }
        int[][] kept = dispatches.get(0).kept(counts, capacity);
        for (int rank = 0; rank < ranks; rank++) {
            Dispatch dispatch = dispatches.get(rank);
            dispatch.sort(assignments.get(rank), 8, capacity, counts, rank);
            for (int expert = 0; expert < 3; expert++) {
                assertThat(kept[rank][expert]).isEqualTo(dispatch.start[expert + 1] - dispatch.start[expert]);
            }
        }
    }

    /** The experts stand in the last block, so that nothing mixes tokens after them. */
    @Test
    void aDroppedTokenPassesThroughTheResidualAlone() {
        var config = Models.config(5, 1, false, 0.5);
        double[] parameters = Models.parameters(config, 3);
        double[] silent = parameters.clone();
        for (int expert = 0; expert < 5; expert++) {
            for (String part : ParameterLayout.FEED_FORWARD) {
                var tensor = ParameterLayout.of(config).tensor(ParameterLayout.expert(1, expert) + part);
                Arrays.fill(silent, (int) tensor.offset(), (int) (tensor.offset() + tensor.length()), 0);
            }
        }
        try (var model = trainer(config, parameters, gradients(parameters));
                var without = trainer(config, silent, gradients(parameters))) {
            model.forwardBackward(BATCH);
            without.forwardBackward(BATCH);
            RoutingView routing = model.routing(1);
            int dropped = 0;
            for (int token = 0; token < BATCH.size(); token++) {
                boolean passes = routing.dropped(token, 0);
                dropped += passes ? 1 : 0;
                if (BATCH.targets()[token] >= 0) {
                    assertThat(model.targetLogProbabilities()[token] == without.targetLogProbabilities()[token])
                            .as("token %d, dropped %s", token, passes)
                            .isEqualTo(passes);
                }
                assertThat(routing.outputNorm(token, 0) > 0).isEqualTo(!passes && BATCH.tokens()[token] >= 0);
            }
            assertThat(dropped).isEqualTo(routing.droppedAssignments()).isPositive();
            assertThat(routing.expertTokens()).isEqualTo(without.expertTokens(1));
            int tokens = Arrays.stream(routing.expertTokens()).sum();
            int capacity = config.moe().capacity(1, tokens);
            assertThat(dropped)
                    .isEqualTo(Arrays.stream(routing.expertTokens())
                            .map(count -> Math.max(0, count - capacity))
                            .sum());
        }
    }

    @Test
    void aCapacityThatHoldsAllChangesNoBit() {
        var limited = Models.config(5, 2, true, 2.5);
        double[] parameters = Models.parameters(limited, 4);
        INDArray some = gradients(parameters);
        INDArray all = gradients(parameters);
        try (var one = trainer(limited, parameters, some);
                var other = trainer(Models.config(5, 2, true), parameters, all)) {
            assertThat(one.forwardBackward(BATCH)).isEqualTo(other.forwardBackward(BATCH));
            assertThat(one.routing(1).droppedAssignments()).isZero();
            assertThat(Models.read(some)).isEqualTo(Models.read(all));
        }
    }

    @Test
    void scoringIsDroplessWhateverWasTrainedBefore() {
        var limited = Models.config(5, 2, false, 0.5);
        double[] parameters = Models.parameters(limited, 5);
        try (var trained = trainer(limited, parameters, gradients(parameters));
                var dropless = SmoeLanguageModel.forScoring(
                        Models.config(5, 2, false), Models.array(parameters, DataType.FLOAT), 80)) {
            Loss inTraining = trained.forwardBackward(BATCH);
            assertThat(trained.routing(1).droppedAssignments()).isPositive();
            Loss scored = trained.forward(BATCH);
            assertThat(scored).isEqualTo(dropless.forward(BATCH)).isNotEqualTo(inTraining);
            assertThat(trained.targetLogProbabilities()).isEqualTo(dropless.targetLogProbabilities());
            assertThat(trained.routing(1).droppedAssignments()).isZero();
            // what is dropped still counts in f_e
            assertThat(inTraining.balance()).isEqualTo(scored.balance());
            assertThat(inTraining.z()).isEqualTo(scored.z());
        }
    }

    @Test
    void aRowScoresTheSameAloneAndAmongOthers() {
        var config = Models.config(5, 1, false, 0.5);
        double[] parameters = Models.parameters(config, 6);
        try (var model = SmoeLanguageModel.forScoring(config, Models.array(parameters, DataType.FLOAT), 80)) {
            model.forward(BATCH);
            float[] together = model.targetLogProbabilities();
            for (int row = 0; row < BATCH.rows(); row++) {
                int from = row * BATCH.columns();
                int to = from + BATCH.columns();
                model.forward(new TokenBatch(
                        Arrays.copyOfRange(BATCH.tokens(), from, to),
                        Arrays.copyOfRange(BATCH.targets(), from, to),
                        1,
                        BATCH.columns()));
                float[] alone = model.targetLogProbabilities();
                for (int i = 0; i < alone.length; i++) {
                    assertThat(alone[i]).isCloseTo(together[from + i], within(1e-5f));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"NaN", "Infinity", "-Infinity"})
    void aRouterLogitThatIsNoNumberIsRefusedWithLayerAndToken(double damage) {
        var config = Models.config(5, 1, false);
        double[] parameters = Models.parameters(config, 7);
        var batch = new TokenBatch(
                new int[] {1, 2, 3, -1, 6, 5, 4, 7},
                IntStream.generate(() -> -1).limit(8).toArray(),
                2,
                4);
        var embedding = ParameterLayout.of(config).tensor("wte.weight");
        parameters[(int) embedding.offset() + 6 * config.width()] = damage;
        INDArray gradients = gradients(parameters);
        try (var model = trainer(config, parameters, gradients)) {
            for (Runnable pass : new Runnable[] {() -> model.forward(batch), () -> model.forwardBackward(batch)}) {
                assertThatThrownBy(pass::run)
                        .isInstanceOf(UserError.class)
                        .hasMessageContaining("block 1 gives token 6 at row 1, column 0 the logit NaN for expert 0")
                        .hasMessageContaining("earlier checkpoint");
            }
        }
        var router = ParameterLayout.of(config).tensor(ParameterLayout.router(1));
        double[] diverged = Models.parameters(config, 7);
        diverged[(int) router.offset() + 3 * config.width()] = damage;
        try (var model = trainer(config, diverged, gradients)) {
            assertThatThrownBy(() -> model.forward(batch))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("block 1 gives token 1 at row 0, column 0")
                    .hasMessageContaining("for expert 3");
        }
    }
}
