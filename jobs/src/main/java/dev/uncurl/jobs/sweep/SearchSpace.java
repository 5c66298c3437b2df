package dev.uncurl.jobs.sweep;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.sweep.Cell.Pruning;
import dev.uncurl.jobs.train.TaskFinetuning.Recipe;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.PlanSettings;
import dev.uncurl.pruning.RouterRule;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * The cells of a sweep: for every model and task the model itself; every method with every K, router rule and seed (one seed where
 * the method uses none); random choices of experts; and the plans of the methods that were made on another task. A cell that two
 * of these give is there once, in the role that comes first. With a recipe, each of them is there once more for each of its seeds.
 *
 * <p>Cells are sorted by the coordinates of the setting {@code order}, the values of each in the order in which the sweep lists
 * them; so the order depends on the settings only.
 *
 * @param leftOut numbers of experts that a model cannot keep, each with the reason
 */
record SearchSpace(List<Cell> cells, List<String> leftOut) {
    /**
     * A cell with its place on each coordinate, by {@link Coordinate#ordinal}.
     *
     * @param finetuned 0 if it is not, else the number of its recipe: scores of plans come before all finetuning
     */
    private record Placed(Cell cell, int finetuned, int[] places) {}

    /** A place before all of a list. */
    private static final int FIRST = -1;

    /**
     * @param models in the order of the sweep
     * @param scratch models of the same shape that were not pruned to their number of experts, but pretrained with it
     * @param tasks every task and other task of the sweep, by name
     * @throws UserError (usage) if no model can keep one of the numbers of experts
     */
    static SearchSpace of(
            SweepConfig config, List<SweptModel> models, List<SweptModel> scratch, Map<String, SweptTask> tasks) {
        var leftOut = new ArrayList<String>();
        var placed = new ArrayList<Placed>();
        List<Recipe> recipes = config.recipes();
        for (int m = 0; m < models.size(); m++) {
            List<Integer> keep = keep(config, models.get(m), leftOut);
            for (int t = 0; t < config.tasks().size(); t++) {
                String task = config.tasks().get(t);
                var expansion = new Expansion(config, recipes, models.get(m), tasks.get(task), keep, new int[] {m, t});
                expansion.unpruned(Role.PARENT);
                expansion.methods(Role.METHOD, tasks.get(task));
                expansion.random();
                config.otherTask(task).ifPresent(other -> expansion.methods(Role.OTHER_TASK, tasks.get(other)));
                placed.addAll(expansion.placed);
            }
        }
        for (int m = 0; m < scratch.size(); m++) {
            for (int t = 0; t < config.tasks().size(); t++) {
                SweptTask task = tasks.get(config.tasks().get(t));
                int[] place = {models.size() + m, t};
                var expansion = new Expansion(config, recipes, scratch.get(m), task, List.of(), place);
                expansion.unpruned(Role.SCRATCH);
                placed.addAll(expansion.placed);
            }
        }
        if (placed.stream().noneMatch(one -> one.cell.pruning().isPresent())) {
            throw UserError.usage(
                    "The sweep has nothing to prune: " + String.join("; ", leftOut),
                    "Set experts to numbers below that of the models.");
        }
        return new SearchSpace(sorted(placed, config.order()), List.copyOf(leftOut));
    }

    /** The numbers of experts that the sweep asks of a model and that it can keep, each once. */
    private static List<Integer> keep(SweepConfig config, SweptModel model, List<String> leftOut) {
        Set<Integer> keep = new LinkedHashSet<>();
        for (int experts : config.experts()) {
            if (experts < model.experts()) {
                keep.add(experts);
            } else {
                leftOut.add(experts + " experts of " + model.id() + ", which has " + model.experts());
            }
        }
        for (int factor : config.factors()) {
            if (model.experts() % factor == 0) {
                keep.add(model.experts() / factor);
            } else {
                leftOut.add("factor " + factor + " of " + model.id() + ", which has " + model.experts() + " experts");
            }
        }
        return List.copyOf(keep);
    }

    private static List<Cell> sorted(List<Placed> placed, List<Coordinate> order) {
        var all = new LinkedHashSet<>(order);
        all.addAll(List.of(Coordinate.values()));
        Comparator<Placed> comparator = Comparator.comparingInt(Placed::finetuned);
        for (Coordinate coordinate : all) {
            comparator = comparator.thenComparingInt(one -> one.places[coordinate.ordinal()]);
        }
        var byId = new LinkedHashMap<String, Cell>();
        placed.stream()
                .sorted(Comparator.comparing(one -> one.cell.role())) // the first role of a cell stays
                .forEach(one -> byId.putIfAbsent(one.cell.id(), one.cell));
        Set<Cell> kept = Set.copyOf(byId.values());
        return placed.stream()
                .filter(one -> kept.contains(one.cell))
                .sorted(comparator)
                .map(Placed::cell)
                .distinct()
                .toList();
    }

    /** The cells of one model and task. */
    private static final class Expansion {
        private final SweepConfig config;
        private final List<Recipe> recipes;
        private final SweptModel model;
        private final SweptTask task;
        private final List<Integer> keep;
        private final int[] modelAndTask;
        private final Protocol protocol;
        private final List<Placed> placed = new ArrayList<>();

        Expansion(
                SweepConfig config,
                List<Recipe> recipes,
                SweptModel model,
                SweptTask task,
                List<Integer> keep,
                int[] modelAndTask) {
            this.config = config;
            this.recipes = recipes;
            this.model = model;
            this.task = task;
            this.keep = keep;
            this.modelAndTask = modelAndTask;
            protocol = Protocol.of(config);
        }

        void unpruned(Role role) {
            add(role, Optional.empty(), FIRST, FIRST, 0, 0);
        }

        void methods(Role role, SweptTask madeOn) {
            List<MethodChoice> choices = config.methodChoices();
            for (int c = 0; c < choices.size(); c++) {
                plans(role, madeOn, choices.get(c), c, config.rules(choices.get(c)), config.seeds());
            }
        }

        /** Random choices of experts, with the rules that the sweep has for methods that drop, or else the default. */
        void random() {
            MethodChoice random = MethodChoice.of(BuiltInMethods.RANDOM);
            List<RouterRule> rules = config.rules(random);
            List<Long> seeds = LongStream.rangeClosed(1, config.controls().randomSeeds())
                    .boxed()
                    .toList();
            plans(
                    Role.RANDOM,
                    task,
                    random,
                    config.methods().size(),
                    rules.isEmpty() ? List.of(RouterRule.of(random.method())) : rules,
                    seeds);
        }

        private void plans(
                Role role, SweptTask madeOn, MethodChoice choice, int place, List<RouterRule> rules, List<Long> seeds) {
            List<Long> used = choice.method().usesSeed() ? seeds : seeds.subList(0, 1);
            for (int k = 0; k < keep.size(); k++) {
                for (int r = 0; r < rules.size(); r++) {
                    for (int s = 0; s < used.size(); s++) {
                        PlanSettings settings = choice.settings(keep.get(k), used.get(s));
                        add(role, Optional.of(new Pruning(madeOn, settings, rules.get(r))), k, place, r, s);
                    }
                }
            }
        }

        private void add(Role role, Optional<Pruning> pruning, int experts, int method, int router, int seed) {
            int[] places = {modelAndTask[0], modelAndTask[1], role.ordinal(), experts, method, router, seed};
            placed.add(new Placed(new Cell(role, model, task, pruning, Optional.empty(), protocol), 0, places));
            for (Recipe recipe : recipes) {
                var cell = new Cell(role, model, task, pruning, Optional.of(recipe), protocol);
                placed.add(new Placed(cell, 1 + recipes.indexOf(recipe), places));
            }
        }
    }
}
