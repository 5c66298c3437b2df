package dev.uncurl.pruning;

import static dev.uncurl.pruning.PrunedModels.E;
import static dev.uncurl.pruning.PrunedModels.VOCABULARY;
import static dev.uncurl.pruning.PrunedModels.config;
import static dev.uncurl.pruning.PrunedModels.logits;
import static dev.uncurl.pruning.PrunedModels.parameters;
import static dev.uncurl.pruning.PrunedModels.plan;
import static dev.uncurl.pruning.PrunedModels.tensor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.RoutingView;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The three meanings of dropping experts, side by side: gates of the first MoE block, whose input is that of the parent, against
 * their formulas in the parent's router logits.
 */
class DroppingRulesTest {
    private static final int[] LABELS = {0, -1, 1, -1, 2, 3};
    private static final int TOKENS = 40;

    @TempDir
    java.nio.file.Path folder;

    private PrunedModels models;

    @BeforeEach
    void files() throws IOException {
        models = new PrunedModels(folder);
    }

    /** Of one token: by expert of the parent, the gate with which its output is added. */
    private static double[] gates(RoutingView view, int token, int[] expertOfRow) {
        double[] gates = new double[E];
        for (int choice = 0; choice < view.topK(); choice++) {
            gates[expertOfRow[view.expert(token, choice)]] += view.gate(token, choice);
        }
        return gates;
    }

    /** The same from its definition. */
    private static double[] expected(double[] logits, RouterRule rule, int topK, boolean renormalize) {
        double[] exp = Arrays.stream(logits).map(Math::exp).toArray();
        double all = Arrays.stream(exp).sum();
        double kept = IntStream.range(0, E)
                .filter(e -> LABELS[e] >= 0)
                .mapToDouble(e -> exp[e])
                .sum();
        int[] chosen = IntStream.range(0, E)
                .filter(e -> rule == RouterRule.ZERO || LABELS[e] >= 0)
                .boxed()
                .sorted((a, b) -> Double.compare(logits[b], logits[a]))
                .limit(topK)
                .mapToInt(Integer::intValue)
                .toArray();
        double mass = IntStream.of(chosen).mapToDouble(e -> exp[e]).sum();
        double divisor = renormalize ? mass : rule == RouterRule.SLICE ? kept : all;
        double[] gates = new double[E];
        for (int e : chosen) {
            gates[e] = LABELS[e] >= 0 ? exp[e] / divisor : 0;
        }
        return gates;
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true", "3, true"})
    void theGatesOfEachRuleAreThoseOfItsFormula(int topK, boolean renormalize) throws IOException {
        ModelConfig config = config(topK, renormalize);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, LABELS, 3, LABELS));
        double[][] logits = new double[TOKENS][];
        routed(
                source,
                (view, token) -> logits[token] = IntStream.range(0, E)
                        .mapToDouble(e -> view.logit(token, e))
                        .toArray());
        for (RouterRule rule : List.of(RouterRule.MASK, RouterRule.SLICE, RouterRule.ZERO)) {
            ModelFolder pruned = models.apply(source, plan, new MergeOptions(rule, true), rule.id());
            int[] expertOfRow = expertOfRow(rule);
            routed(pruned, (view, token) -> assertThat(gates(view, token, expertOfRow))
                    .as("%s, token %d", rule.id(), token)
                    .containsExactly(expected(logits[token], rule, topK, renormalize), within(1e-5)));
        }
    }

    /** The law of top-1: slice = mask / (1 - dropped mass); zero is mask where the best expert was kept, and nothing else. */
    @Test
    void underTopOneSliceEnlargesEveryGateAndZeroLeavesTokensOfDroppedExpertsWithNone() throws IOException {
        ModelConfig config = config(1, false);
        int without = 0;
        int with = 0;
        for (int seed = 1; seed <= 4; seed++) {
            ModelFolder source = models.write("source" + seed, config, parameters(config, seed));
            Plan plan = plan(source, Map.of(1, LABELS, 3, LABELS));
            double[] dropped = new double[TOKENS];
            int[] best = new int[TOKENS];
            routed(source, (view, token) -> {
                best[token] = view.expert(token, 0);
                double[] exp = IntStream.range(0, E)
                        .mapToDouble(e -> Math.exp(view.logit(token, e)))
                        .toArray();
                dropped[token] = (exp[1] + exp[3]) / Arrays.stream(exp).sum();
            });
            double[][] mask = gates(source, plan, RouterRule.MASK, seed);
            double[][] slice = gates(source, plan, RouterRule.SLICE, seed);
            double[][] zero = gates(source, plan, RouterRule.ZERO, seed);
            for (int token = 0; token < TOKENS; token++) {
                boolean kept = LABELS[best[token]] >= 0;
                without += kept ? 0 : 1;
                with += kept ? 1 : 0;
                for (int e = 0; e < E; e++) {
                    assertThat(slice[token][e]).isCloseTo(mask[token][e] / (1 - dropped[token]), within(1e-5));
                    assertThat(zero[token][e]).isEqualTo(kept ? mask[token][e] : 0);
                }
            }
        }
        assertThat(without).isPositive();
        assertThat(with).isPositive();
    }

    private double[][] gates(ModelFolder source, Plan plan, RouterRule rule, int seed) throws IOException {
        ModelFolder pruned = models.apply(source, plan, new MergeOptions(rule, true), rule.id() + seed);
        int[] expertOfRow = expertOfRow(rule);
        double[][] gates = new double[TOKENS][];
        routed(pruned, (view, token) -> gates[token] = gates(view, token, expertOfRow));
        return gates;
    }

    /** The expert of the parent for each router row of the pruned model. */
    private static int[] expertOfRow(RouterRule rule) {
        return rule == RouterRule.SLICE
                ? new int[] {0, 2, 4, 5}
                : IntStream.range(0, E).toArray();
    }

    /** Where gates are scaled to sum to one, the softmax's denominator cancels: mask and slice are one model, zero is not. */
    @Test
    void whereGatesAreRenormalisedMaskAndSliceAreTheSameModel() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, LABELS, 3, LABELS));
        float[][] mask = logits(models.apply(source, plan, new MergeOptions(RouterRule.MASK, true), "mask"));
        float[][] slice = logits(models.apply(source, plan, new MergeOptions(RouterRule.SLICE, true), "slice"));
        float[][] zero = logits(models.apply(source, plan, new MergeOptions(RouterRule.ZERO, true), "zero"));
        float furthest = 0;
        for (int token = 0; token < VOCABULARY; token++) {
            assertThat(slice[token]).containsExactly(mask[token], within(1e-5f));
            for (int i = 0; i < mask[token].length; i++) {
                furthest = Math.max(furthest, Math.abs(zero[token][i] - mask[token][i]));
            }
        }
        assertThat(furthest).isGreaterThan(1e-3f);
    }

    @Test
    void aZeroedModelKeepsAllRowsIsCheckedAgainstItsPlanAndNotPrunedAgain() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, LABELS, 3, new int[] {0, -1, 1, 0, -1, 1}));
        var zero = new MergeOptions(RouterRule.ZERO, true);
        ModelFolder pruned = models.apply(source, plan, zero, "pruned");
        pruned.verify();
        assertThat(pruned.config().moe().byLayer())
                .isEqualTo(Map.of(
                        1,
                        new MoeLayer(4, List.of(0, -2, 1, -2, 2, 3)),
                        3,
                        new MoeLayer(2, List.of(0, -2, 1, 0, -2, 1))));
        for (int layer : config.moeLayers()) {
            String router = ParameterLayout.router(layer);
            assertThat(tensor(pruned, router)).isEqualTo(tensor(source, router));
        }
        var counts = PlanApplierFixture.check(new PlanCheck(source, plan, zero, pruned));
        assertThat(counts.routers()).isEqualTo(2);
        assertThat(counts.copied() + counts.merged() + counts.routers())
                .isEqualTo(pruned.layout().tensors().size());
        assertThatThrownBy(() -> new PlanCheck(source, plan, new MergeOptions(RouterRule.MASK, true), pruned))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("config.json");
        assertThatThrownBy(() -> PlanApplier.checkUniform(pruned))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pruned was pruned before, with the router rule zero")
                .hasMessageContaining("in layer 1 4 of 6 router rows lead to 4 experts");
    }

    @FunctionalInterface
    private interface Routed {
        void take(RoutingView view, int token);
    }

    /** Runs the model on fixed tokens, and shows the routing of each in the first MoE block. */
    private static void routed(ModelFolder model, Routed routed) {
        int[] tokens = new Random(5).ints(TOKENS, 0, VOCABULARY).toArray();
        var values = Nd4j.createFromArray(WeightArrays.array(model.config(), model));
        try (var language = SmoeLanguageModel.forScoring(model.config(), values, TOKENS)) {
            language.forward(new TokenBatch(tokens, tokens.clone(), 5, 8));
            for (int token = 0; token < TOKENS; token++) {
                routed.take(language.routing(1), token);
            }
        }
    }
}
