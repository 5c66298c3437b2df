package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.ModelChoice.Registered;
import java.time.Instant;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SweepConfigTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\'',
            value = {
                "models=[]                              | models",
                "models=[{nane=x}]                      | names no model",
                "models=[{newest-of-stage=prune}]       | pretrain, prefinetune, finetune",
                "methods=[{name=uncrul}]                | Did you mean uncurl?",
                "methods=[{name=uncurl, weight=x}]      | Did you mean weights?",
                "methods=[{name=uncurl, weights=x}]     | merge weights",
                "methods=[{name=uncurl, max-cluster=x}] | is not a number",
                "methods=[{name=uncurl},{name=uncurl}]  | twice",
                "methods=[{name=hc-smoe}]               | routing.outputs",
                "experts=[]                             | set factors",
                "experts=[0]                            | experts",
                "factors=[1]                            | 2 or more",
                "seeds=[1,1]                            | twice",
                "tasks=[a,a]                            | twice",
                "routers=[musk]                         | Did you mean mask?",
                "routers=[mask]                         | cannot be used with method uncurl",
                "controls.random-seeds=0                | random-seeds",
                "makes=nothing                          | makes",
                "dtype=f64                              | There is no dtype",
                "order=[task, task]                     | different ones",
                "max-cells=-1                           | max-cells",
                "until=6pm                              | 06:00",
                "parallel=0                             | 1 to 999 cells, or auto",
                "parallel=many                          | 1 to 999 cells, or auto",
                "commit-cells=0                         | commit-cells",
                "only=none                              | all or frontier",
                "finetune.seeds=[]                      | finetune.seeds",
                "finetune.seeds=[1,1]                   | twice",
                "latency.batch=[1]                      | both with numbers",
                "keep=some                              | keep",
                "retention.nights=-1                    | retention.nights",
                "controls.scratch=[{nane=x}]            | names no model",
                "sweep=a/b                              | sweep name",
                "color=red                              | Unknown key color"
            })
    void aWrongSettingIsRefusedWithWhatIsRight(String setting, String said) {
        assertThatThrownBy(() -> Sweeps.config(setting))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(said)
                .extracting(e -> ((UserError) e).kind())
                .isEqualTo(UserError.Kind.USAGE);
    }

    @Test
    void theSearchSpaceHasWhatDecidesOnCellsOnly() {
        Map<String, String> space = Sweeps.config().searchSpace();
        assertThat(space).containsEntry("experts", "[4,2]").containsEntry("seeds", "[1,2]");
        assertThat(Sweeps.config(
                                "until=\"06:00\"",
                                "max-cells=3",
                                "order=[seed]",
                                "parallel=3",
                                "commit-cells=2",
                                "keep=frontier",
                                "retention.nights=7",
                                "latency={batch=[1],length=[64]}")
                        .searchSpace())
                .isEqualTo(space);
        assertThat(space.keySet())
                .containsExactly(
                        "align",
                        "controls",
                        "dtype",
                        "evaluate",
                        "experts",
                        "factors",
                        "finetune",
                        "makes",
                        "methods",
                        "models",
                        "only",
                        "routers",
                        "routing",
                        "seeds",
                        "tasks");
        assertThatThrownBy(() -> Sweeps.config("makes=models", "keep=none")).hasMessageContaining("for nothing");
        assertThat(Sweeps.config("align=false").searchSpace()).isNotEqualTo(space);
        assertThat(Sweeps.config("until=\"06:00\"").endOfNight()).contains(LocalTime.of(6, 0));
        assertThat(Sweeps.config().endOfNight()).isEmpty();
    }

    @Test
    void asManyCellsAtATimeAsFillTheSlotsAndOneMore() {
        assertThat(Sweeps.config().cellsAtATime(2))
                .as("200 examples are 4 blocks")
                .isEqualTo(2);
        assertThat(Sweeps.config().cellsAtATime(32)).isEqualTo(9);
        assertThat(Sweeps.config().cellsAtATime(1000)).isEqualTo(16);
        assertThat(Sweeps.config("evaluate.limit=0").cellsAtATime(1000)).isEqualTo(2);
        assertThat(Sweeps.config("parallel=5").cellsAtATime(1)).isEqualTo(5);
    }

    private static Registered model(String id, String parent, String stage, int day) {
        return new Registered(id, Optional.ofNullable(parent), stage, Instant.parse("2026-11-" + day + "T00:00:00Z"));
    }

    @Test
    void modelsAreNamedByNamePatternOrStageAndPrunedOnesByNameOnly() {
        List<Registered> registry = List.of(
                model("a-base", "a", "prefinetune", 12),
                model("a", null, "pretrain", 11),
                model("b.base", null, "prefinetune", 11),
                model("a-4e", "a-base", "prune", 13),
                model("a-4e-tuned", "a-4e", "prefinetune", 14));
        assertThat(resolve("{name=a-4e}", registry)).containsExactly("a-4e");
        assertThat(resolve("{pattern=\"a*\"}", registry)).containsExactly("a", "a-base");
        assertThat(resolve("{pattern=\"*.base\"}, {name=a}, {name=b.base}", registry))
                .containsExactly("b.base", "a");
        assertThat(resolve("{newest-of-stage=prefinetune}", registry)).containsExactly("a-base");
        assertThatThrownBy(() -> resolve("{pattern=\"a?base\"}", registry))
                .hasMessageContaining("no unpruned model with a name like a?base")
                .hasMessageContaining("a, a-base, b.base");
        assertThatThrownBy(() -> resolve("{newest-of-stage=finetune}", registry))
                .hasMessageContaining("no unpruned model of stage finetune");
    }

    private static List<String> resolve(String models, List<Registered> registry) {
        return ModelChoice.resolve(Sweeps.config("models=[" + models + "]").modelChoices(), registry);
    }
}
