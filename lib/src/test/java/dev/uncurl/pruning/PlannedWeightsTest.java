package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A plan in memory is the model that prune makes from it. */
class PlannedWeightsTest extends PlanApplierFixture {
    private static final TokenBatch BATCH = TokenBatch.ofSequences(
            List.of(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, new int[] {12, 0, 11, 1, 10, 2}, new int[] {9, 9, 4}));

    private static float[] scores(ModelConfig config, INDArray parameters) {
        try (var model = SmoeLanguageModel.forScoring(config, parameters, BATCH.size())) {
            model.forward(BATCH);
            return model.targetLogProbabilities();
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @EnumSource
    void weightsAndScoresAreThoseOfTheFolderToTheBit(BuiltInMethods method) throws IOException {
        for (int topK : new int[] {1, 2}) {
            var config = new ModelConfig(4, 6, 2, 10, 13, 8, new MoeConfig(E, topK, 2, topK > 1, 0.01, 0));
            ModelFolder parent = write("parent" + topK, config, topK);
            for (Budget budget : budgets()) {
                var settings = new PlanSettings(method, method.weights(), budget, 3);
                Plan plan = Planner.plan("m", parent.manifestSha256(), "task", settings, evidence, Map.of());
                for (String rule : RouterRule.ids(method)) {
                    for (boolean align : new boolean[] {true, false}) {
                        var options = new MergeOptions(RouterRule.named(rule, method), align);
                        isTheFolder(parent, plan, options, topK + "-" + budget.sharing() + "-" + rule + "-" + align);
                    }
                }
            }
        }
    }

    private static List<Budget> budgets() {
        return List.of(
                Budget.uniform(3),
                new Budget(Budget.Sharing.named("adaptive"), 3, new java.util.TreeMap<>(Map.of()), 0));
    }

    private void isTheFolder(ModelFolder parent, Plan plan, MergeOptions options, String name) throws IOException {
        ModelFolder folder = PlainPruning.apply(parent, plan, options, fs, path(name));
        var planned = new PlannedWeights(parent, plan, options);
        assertThat(planned.config()).isEqualTo(folder.config());
        var layout = ParameterLayout.of(planned.config());
        try (INDArray one = FlatWeights.load(layout, planned);
                INDArray other = FlatWeights.load(folder.layout(), folder)) {
            assertThat(one.data().asFloat()).as(name).isEqualTo(other.data().asFloat());
            assertThat(scores(planned.config(), one)).isEqualTo(scores(folder.config(), other));
        }
    }

    /** As evaluate reads it when the same JVM read another tensor of the cluster before. */
    @Test
    void tensorsAreTheSameReadInAnyOrderAndAgain() throws IOException {
        Plan plan = plan(source, BuiltInMethods.UNCURL, 2);
        var options = new MergeOptions(RouterRule.MAP, true);
        ModelFolder folder = PlainPruning.apply(source, plan, options, fs, path("folder"));
        var planned = new PlannedWeights(source, plan, options);
        var names = new java.util.ArrayList<>(folder.layout().tensors().stream()
                .map(ParameterLayout.Tensor::name)
                .toList());
        names.addAll(names);
        java.util.Collections.shuffle(names, new Random(1));
        for (String name : names) {
            float[] values = new float[(int) folder.layout().tensor(name).length()];
            planned.read(name, (part, count, at) -> System.arraycopy(part, 0, values, at, count));
            assertThat(values).as(name).isEqualTo(tensor(folder, name));
        }
        assertThatThrownBy(() -> planned.read("h.1.moe.experts.5.c_fc.bias", (part, count, at) -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no tensor h.1.moe.experts.5.c_fc.bias");
    }

    @ParameterizedTest
    @EnumSource(names = {"UNCURL", "FREQUENCY"})
    void inANarrowTypeTheValuesAreRoundedAsInAFolderOfThatType(BuiltInMethods method) throws IOException {
        Plan plan = plan(source, method, 3);
        var options = new MergeOptions(RouterRule.of(method), true, DType.BF16);
        ModelFolder folder = PlainPruning.apply(source, plan, options, fs, path("narrow"));
        var planned = new PlannedWeights(source, plan, options);
        assertThat(WeightArrays.array(planned.config(), planned))
                .containsExactly(WeightArrays.array(folder.config(), folder));
    }

    @Test
    void aPlanForAnotherModelOrARuleThatCannotDropIsRefused() throws IOException {
        ModelFolder other = write("other", CONFIG, 2);
        Plan plan = plan(source, BuiltInMethods.FREQUENCY, 2);
        assertThatThrownBy(() -> new PlannedWeights(other, plan, new MergeOptions(RouterRule.ZERO, false)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("manifest");
        assertThatThrownBy(() -> new PlannedWeights(source, plan, new MergeOptions(RouterRule.MAP, false)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Use --router mask, slice or zero");
    }
}
