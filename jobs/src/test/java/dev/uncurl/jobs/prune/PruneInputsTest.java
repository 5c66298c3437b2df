package dev.uncurl.jobs.prune;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.Budget;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.MergeWeights;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PruneInputsTest {
    private static final PlanSettings SETTINGS = new PlanSettings(
            BuiltInMethods.UNCURL,
            MergeWeights.named("uniform"),
            new Budget(Budget.Sharing.named("uniform"), 4, new TreeMap<>(Map.of(1, 2, 3, 8)), 5),
            7);

    private static PruneInputs inputs(RouterRule rule, boolean align, DType dtype) {
        return new PruneInputs("abc", "p1", "superglue/copa", new MergeOptions(rule, align, dtype));
    }

    /** Models of earlier releases have these keys and values: other ones would not be recognised as made before. */
    @Test
    void keysAndValuesAreThoseOfTheFormat() {
        var expected = new TreeMap<>(Map.of(
                "align", "false",
                "budget", "uniform",
                "experts", "4",
                "layers", "1=2,3=8",
                "max-cluster", "5",
                "method", "uncurl",
                "parent", "abc",
                "plan", "p1",
                "router", "collapse"));
        expected.putAll(Map.of("seed", "7", "task", "superglue/copa", "tokenizer", "gpt2:1", "weights", "uniform"));
        assertThat(inputs(RouterRule.COLLAPSE, false, DType.F32).write(SETTINGS, "gpt2:1"))
                .isEqualTo(expected);
        expected.put("dtype", "bf16");
        assertThat(inputs(RouterRule.COLLAPSE, false, DType.BF16).write(SETTINGS, "gpt2:1"))
                .isEqualTo(expected);
    }

    @Test
    void whatWasWrittenIsReadAgain() {
        for (RouterRule rule : new RouterRule[] {RouterRule.MAP, RouterRule.COLLAPSE}) {
            for (boolean align : new boolean[] {false, true}) {
                for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
                    PruneInputs inputs = inputs(rule, align, dtype);
                    assertThat(PruneInputs.read(inputs.write(SETTINGS, null))).isEqualTo(inputs);
                }
            }
        }
    }

    @Test
    void inputsOfEarlierReleasesAreReadWithWhatWasTheRuleThen() {
        Map<String, String> inputs =
                Map.of("parent", "abc", "plan", "p1", "task", "superglue/copa", "method", "uncurl");
        assertThat(PruneInputs.read(inputs)).isEqualTo(inputs(RouterRule.COLLAPSE, true, DType.F32));
    }
}
