package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.StoredResults.Loss;
import dev.uncurl.jobs.sweep.SweepConfig.Plans;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The cells that something is meant for: all, none, or the frontier of each model and task (see {@link Frontier}) with the controls
 * parent and scratch. The controls random and other-task are in no frontier.
 */
final class Selection {
    private record Group(String modelId, String task) {
        static Group of(Cell cell) {
            return new Group(cell.model().id(), cell.task().name());
        }
    }

    private final Plans which;
    private final Set<String> inPlay = new HashSet<>();
    private final Set<Group> open = new HashSet<>();

    private Selection(Plans which) {
        this.which = which;
    }

    /**
     * @param cells all of a sweep
     * @param losses the loss of a cell that is not finetuned, if it is there
     * @param complete whether no more losses come: those that are missing failed
     */
    static Selection of(Plans which, List<Cell> cells, Function<Cell, Optional<Loss>> losses, boolean complete) {
        var selection = new Selection(which);
        if (which != Plans.FRONTIER) {
            return selection;
        }
        Map<Group, List<Frontier.Point>> points = new LinkedHashMap<>();
        for (Cell cell : cells) {
            if (cell.role() != Role.METHOD || cell.recipe().isPresent()) {
                continue;
            }
            Optional<Loss> loss = losses.apply(cell);
            loss.ifPresent(there -> points.computeIfAbsent(Group.of(cell), group -> new ArrayList<>())
                    .add(point(cell, there)));
            if (loss.isEmpty() && !complete) {
                selection.open.add(Group.of(cell));
            }
        }
        points.values().forEach(all -> selection.inPlay.addAll(Frontier.inPlay(all)));
        return selection;
    }

    private static Frontier.Point point(Cell cell, Loss loss) {
        int experts = cell.pruning().orElseThrow().settings().budget().keep();
        return new Frontier.Point(cell.id(), experts, loss.value(), loss.standardError());
    }

    /** Whether a cell, or the same one before finetuning, is selected; empty while it depends on losses that are missing. */
    Optional<Boolean> has(Cell cell) {
        if (which != Plans.FRONTIER) {
            return Optional.of(which == Plans.ALL);
        }
        return switch (cell.role()) {
            case PARENT, SCRATCH -> Optional.of(true);
            case RANDOM, OTHER_TASK -> Optional.of(false);
            case METHOD -> open.contains(Group.of(cell))
                    ? Optional.empty()
                    : Optional.of(inPlay.contains(cell.untuned().id()));
        };
    }
}
