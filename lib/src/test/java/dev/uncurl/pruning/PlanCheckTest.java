package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlanCheckTest extends PlanApplierFixture {
    @ParameterizedTest
    @EnumSource(names = {"UNCURL", "FREQUENCY"})
    void aPrunedModelIsComparedWithItsParentAndPlan(BuiltInMethods method) throws IOException {
        for (String router : RouterRule.ids(method)) {
            for (boolean align : new boolean[] {true, false}) {
                var options = new MergeOptions(RouterRule.named(router, method), align);
                Plan plan = plan(source, method, 3);
                Path dir = path(router + method.id() + align);
                ModelFolder pruned = PlainPruning.apply(source, plan, options, fs, dir);
                PlanCheck.Counts counts = check(new PlanCheck(source, plan, options, pruned));
                assertThat(counts.routers()).isEqualTo(CONFIG.moeLayers().length);
                assertThat(counts.merged())
                        .isEqualTo(4 * PlanApplier.merges(plan).size());
                assertThat(counts.converted()).isZero();
                assertThat(counts.copied() + counts.merged() + counts.routers())
                        .isEqualTo(pruned.layout().tensors().size());
            }
        }
    }

    @Tag("slow")
    @Test
    void aTensorThatIsNotWhatThePlanMakesIsNamed() throws IOException {
        Plan plan = plan(source, BuiltInMethods.UNCURL, 3);
        ModelFolder pruned = apply(plan, "pruned");
        for (var tensor : pruned.layout().tensors()) {
            float[] parameters = WeightArrays.array(pruned.config(), pruned);
            parameters[(int) (tensor.offset() + tensor.length() / 2)] += 1e-4f;
            Path dir = path("changed-" + tensor.name());
            var changed = ModelFolder.write(
                    fs,
                    dir,
                    pruned.config(),
                    WeightArrays.of(pruned.config(), parameters),
                    pruned.manifest().lineage());
            assertThatThrownBy(() -> check(new PlanCheck(source, plan, COLLAPSE, changed)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("tensor " + tensor.name());
        }
        assertThatThrownBy(() -> new PlanCheck(source, plan(source, BuiltInMethods.UNCURL, 2), COLLAPSE, pruned))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("config.json");
    }
}
