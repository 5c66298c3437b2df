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
import dev.uncurl.clustering.Labels;
import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models from which experts were dropped with all router rows kept. */
class PrunedByMaskTest {
    private static final MergeOptions MASK = new MergeOptions(RouterRule.MASK, true);

    @TempDir
    java.nio.file.Path folder;

    private PrunedModels models;

    @BeforeEach
    void files() throws IOException {
        models = new PrunedModels(folder);
    }

    @Test
    void allRouterRowsStayAndTheExpertsThatAreKeptAreCopied() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, new int[] {-1, 0, -1, 1, 2, -1}, 3, new int[] {0, -1, -1, -1, -1, -1}));
        ModelFolder pruned = models.apply(source, plan, MASK, "pruned");
        pruned.verify();
        assertThat(pruned.config().moe().byLayer())
                .isEqualTo(Map.of(
                        1,
                        new MoeLayer(3, List.of(-1, 0, -1, 1, 2, -1)),
                        3,
                        new MoeLayer(1, List.of(0, -1, -1, -1, -1, -1))));
        assertThat(pruned.config().moe().topK()).isEqualTo(2);
        for (int layer : config.moeLayers()) {
            String router = ParameterLayout.router(layer);
            assertThat(tensor(pruned, router)).isEqualTo(tensor(source, router));
        }
        int[] kept = {1, 3, 4};
        for (int e = 0; e < kept.length; e++) {
            assertThat(Expert.read(pruned.tensors(), 1, e).tensors())
                    .usingRecursiveComparison()
                    .isEqualTo(Expert.read(source.tensors(), 1, kept[e]).tensors());
        }
        long expert = 2L * 6 * 10 + 10 + 6;
        assertThat(pruned.layout().length())
                .as("8 of 12 experts go, and no router row")
                .isEqualTo(source.layout().length() - 8 * expert);
        assertThat(logits(pruned)[0]).doesNotContain(Float.NaN);
    }

    @Test
    void expertsThatAreMergedInsteadOfKeptAreLedToAsUnderMap() throws IOException {
        ModelConfig config = config(2, false);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        int[] labels = {0, -1, 1, 0, -1, 1};
        Plan plan = plan(source, Map.of(1, labels, 3, labels));
        ModelFolder pruned = models.apply(source, plan, MASK, "pruned");
        assertThat(pruned.config().moe().layer(3)).isEqualTo(new MoeLayer(2, List.of(0, -1, 1, 0, -1, 1)));
        for (RouterRule rule : List.of(RouterRule.MAP, RouterRule.COLLAPSE)) {
            assertThatThrownBy(() -> models.apply(source, plan, new MergeOptions(rule, true), "again"))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("drops experts, but router rule " + rule.id())
                    .hasMessageContaining("Use --router mask, slice or zero");
        }
        assertThat(folder.resolve("again")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true"})
    void relabellingTheExpertsRelabelsTheResult(int topK, boolean renormalize) throws IOException {
        ModelConfig config = config(topK, renormalize);
        float[] parameters = parameters(config, 4);
        ModelFolder source = models.write("source", config, parameters);
        int[] order = Samples.permutation(new Random(6), E);
        float[] relabelled = parameters.clone();
        for (int layer : config.moeLayers()) {
            for (int e = 0; e < E; e++) {
                int router = (int)
                        source.layout().tensor(ParameterLayout.router(layer)).offset();
                System.arraycopy(parameters, router + order[e] * 6, relabelled, router + e * 6, 6);
                for (String part : ParameterLayout.FEED_FORWARD) {
                    var from = source.layout().tensor(ParameterLayout.expert(layer, order[e]) + part);
                    var to = source.layout().tensor(ParameterLayout.expert(layer, e) + part);
                    System.arraycopy(
                            parameters, (int) from.offset(), relabelled, (int) to.offset(), (int) from.length());
                }
            }
        }
        ModelFolder other = models.write("other", config, relabelled);
        var labels = new TreeMap<Integer, int[]>();
        var moved = new TreeMap<Integer, int[]>();
        for (int layer : config.moeLayers()) {
            int[] own = {0, -1, 1, 2, -1, 3};
            labels.put(layer, own);
            moved.put(
                    layer, Labels.canonical(IntStream.of(order).map(e -> own[e]).toArray()));
        }
        float[][] one = logits(models.apply(source, plan(source, labels), MASK, "pruned"));
        float[][] two = logits(models.apply(other, plan(other, moved), MASK, "moved"));
        for (int token = 0; token < VOCABULARY; token++) {
            assertThat(two[token]).containsExactly(one[token], within(1e-5f));
        }
    }

    @Test
    void aRouterRowThatIsNotTheParentsIsNamedThoughItsExpertWasDropped() throws IOException {
        ModelConfig config = config(1, false);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        int[] labels = {0, -1, 1, -1, -1, 2};
        Plan plan = plan(source, Map.of(1, labels, 3, labels));
        ModelFolder pruned = models.apply(source, plan, MASK, "pruned");
        float[] values = WeightArrays.array(pruned.config(), pruned);
        values[(int) pruned.layout().tensor(ParameterLayout.router(3)).offset() + 6] += 1e-4f;
        ModelFolder changed = models.write("changed", pruned.config(), values);
        var check = new PlanCheck(source, plan, MASK, changed);
        check.check(1);
        assertThatThrownBy(() -> check.check(3))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("tensor h.3.moe.router.weight is not the result of router rule mask");
        assertThatThrownBy(() -> new PlanCheck(source, plan, new MergeOptions(RouterRule.SLICE, true), pruned))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("config.json");
    }

    @Test
    void aMaskedModelIsNotPrunedAgain() throws IOException {
        ModelConfig config = config(1, false);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        int[] labels = {0, -1, 1, -1, -1, 2};
        ModelFolder pruned = models.apply(source, plan(source, Map.of(1, labels, 3, labels)), MASK, "pruned");
        assertThatThrownBy(() -> PlanApplier.checkUniform(pruned))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("pruned was pruned before, with the router rule mask")
                .hasMessageContaining("in layer 1 3 of 6 router rows lead to 3 experts")
                .hasMessageContaining("slice (for methods that drop)");
    }

    @Test
    void aRuleThatMakesNoSenseForTheMethodIsRefusedWithThoseThatDo() {
        for (BuiltInMethods method : BuiltInMethods.values()) {
            List<String> rules = RouterRule.ids(method);
            assertThat(rules)
                    .hasSize(method.drops() ? 3 : 2)
                    .first()
                    .isEqualTo(RouterRule.of(method).id());
            for (RouterRule rule : RouterRule.values()) {
                if (rules.contains(rule.id())) {
                    assertThat(RouterRule.named(rule.id(), method)).isEqualTo(rule);
                } else {
                    assertThatThrownBy(() -> RouterRule.named(rule.id(), method))
                            .isInstanceOf(UserError.class)
                            .hasMessageContaining("method " + method.id())
                            .hasMessageContaining("Use --router " + String.join(" or ", rules))
                            .extracting(e -> ((UserError) e).kind())
                            .isEqualTo(UserError.Kind.USAGE);
                }
            }
        }
        assertThatThrownBy(() -> RouterRule.named("musk", BuiltInMethods.REAP))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean mask?");
    }

    /** Models of the first releases are verified by what was done to them, whatever it was called. */
    @Test
    void modelsThatWereRecordedWithMapOrCollapseByMethodsThatDropAreSliced() {
        for (String recorded : Arrays.asList("map", "collapse", "slice", null)) {
            assertThat(RouterRule.recorded(recorded, BuiltInMethods.FREQUENCY)).isEqualTo(RouterRule.SLICE);
        }
        assertThat(RouterRule.recorded("mask", BuiltInMethods.RANDOM)).isEqualTo(RouterRule.MASK);
        assertThat(RouterRule.recorded("map", BuiltInMethods.UNCURL)).isEqualTo(RouterRule.MAP);
        assertThat(RouterRule.recorded(null, BuiltInMethods.UNCURL)).isEqualTo(RouterRule.COLLAPSE);
    }
}
