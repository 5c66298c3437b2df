package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.sweep.StoredResults.Loss;
import dev.uncurl.jobs.sweep.SweepConfig.Plans;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static final List<Cell> CELLS = Sweeps.cells(
            Sweeps.config("seeds=[1]", "finetune.recipe=train/demo-finetune", "finetune.seeds=[1,2]"),
            Sweeps.model("m", 8));

    /** Without errors: a loss that is lower by its method's place, and higher with fewer experts. */
    private static Map<String, Loss> losses() {
        var losses = new HashMap<String, Loss>();
        List<String> methods = List.of("uncurl", "m-smoe", "frequency", "reap", "random");
        for (Cell cell : CELLS) {
            cell.pruning().ifPresent(plan -> {
                int place = methods.indexOf(plan.settings().method().id());
                double loss = 5 + place - 0.1 * plan.settings().budget().keep();
                losses.put(cell.id(), new Loss("sha", loss, 0));
            });
        }
        return losses;
    }

    private static Selection frontier(Map<String, Loss> losses, boolean complete) {
        return Selection.of(Plans.FRONTIER, CELLS, cell -> Optional.ofNullable(losses.get(cell.id())), complete);
    }

    @Test
    void theFrontierHasTheBestPlansBeforeAndAfterFinetuningAndTheControlsParentAndScratch() {
        Selection frontier = frontier(losses(), false);
        Map<Boolean, List<String>> selected = CELLS.stream()
                .collect(Collectors.partitioningBy(
                        cell -> frontier.has(cell).orElseThrow(),
                        Collectors.mapping(Cell::toString, Collectors.toList())));
        assertThat(selected.get(true))
                .hasSize(9)
                .allMatch(cell -> cell.startsWith("uncurl") && !cell.contains("plan of") || cell.startsWith("unpruned"))
                .contains(
                        "uncurl 2 of 8, seed 1, map, finetuned (train/demo-finetune, seed 2): m on flan",
                        "unpruned, finetuned (train/demo-finetune, seed 1): m on flan");
        assertThat(selected.get(false)).hasSize(CELLS.size() - 9);
    }

    @Test
    void whatIsNotScoredLeavesItOpenUnlessNoMoreScoresCome() {
        Map<String, Loss> losses = losses();
        Cell method = CELLS.stream()
                .filter(cell -> cell.role() == Role.METHOD)
                .findFirst()
                .orElseThrow();
        losses.remove(method.id());
        assertThat(frontier(losses, false).has(method)).isEmpty();
        assertThat(frontier(losses, true).has(method)).contains(false);
        assertThat(frontier(losses, false).has(CELLS.get(0))).as("the parent").contains(true);
    }

    @Test
    void allAndNoneNeedNoScores() {
        assertThat(CELLS).allMatch(cell -> Selection.of(Plans.ALL, CELLS, one -> Optional.empty(), false)
                .has(cell)
                .orElseThrow());
        assertThat(CELLS).noneMatch(cell -> Selection.of(Plans.NONE, CELLS, one -> Optional.empty(), false)
                .has(cell)
                .orElseThrow());
    }
}
