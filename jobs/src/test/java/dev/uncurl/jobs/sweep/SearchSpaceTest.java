package dev.uncurl.jobs.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.pruning.BuiltInMethods;
import dev.uncurl.pruning.RouterRule;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SearchSpaceTest {
    @Provide
    Arbitrary<Set<String>> methods() {
        return Arbitraries.of("uncurl", "m-smoe", "frequency", "reap", "random", "spectral")
                .set()
                .ofMinSize(1)
                .ofMaxSize(4);
    }

    @Provide
    Arbitrary<Set<Integer>> experts() {
        return Arbitraries.of(1, 2, 3, 4, 6, 8).set().ofMinSize(1).ofMaxSize(4);
    }

    private static String named(Iterable<String> methods) {
        var entries = new ArrayList<String>();
        methods.forEach(method -> entries.add("{ name = " + method + " }"));
        return "methods=[" + String.join(",", entries) + "]";
    }

    /** The cells of one model and task as text, by nested loops over what the settings say. */
    private static Set<String> naive(
            Set<String> methods, Set<Integer> experts, int e, int seeds, int randomSeeds, String task, String other) {
        var cells = new TreeSet<String>();
        cells.add("unpruned: m on " + task);
        for (int k : experts) {
            if (k >= e) {
                continue;
            }
            for (String method : methods) {
                boolean seeded = List.of("uncurl", "random", "spectral").contains(method);
                boolean drops = List.of("frequency", "reap", "random").contains(method);
                for (int seed = 1; seed <= (seeded ? seeds : 1); seed++) {
                    String plan = method + " " + k + " of " + e + (seeded ? ", seed " + seed : "")
                            + (drops ? ", mask" : ", map");
                    cells.add(plan + ": m on " + task);
                    cells.add(plan + ", plan of " + other + ": m on " + task);
                }
            }
            for (int seed = 1; seed <= randomSeeds; seed++) {
                cells.add("random " + k + " of " + e + ", seed " + seed + ", mask: m on " + task);
            }
        }
        return cells;
    }

    @Property(tries = 60)
    void everyCombinationAndEveryControlIsThereOnce(
            @ForAll("methods") Set<String> methods,
            @ForAll("experts") Set<Integer> experts,
            @ForAll @IntRange(min = 2, max = 9) int e,
            @ForAll @IntRange(min = 1, max = 3) int seeds,
            @ForAll @IntRange(min = 1, max = 4) int randomSeeds) {
        if (experts.stream().noneMatch(k -> k < e)) {
            return;
        }
        SweepConfig config = Sweeps.config(
                named(methods),
                "experts=" + experts,
                "seeds=" + List.of(1, 2, 3).subList(0, seeds),
                "tasks=[a, b]",
                "controls={random-seeds=" + randomSeeds + ", other-task=\"\"}");
        List<String> cells = Sweeps.cells(config, Sweeps.model("m", e)).stream()
                .map(Cell::toString)
                .toList();
        var expected = new TreeSet<>(naive(methods, experts, e, seeds, randomSeeds, "a", "b"));
        expected.addAll(naive(methods, experts, e, seeds, randomSeeds, "b", "a"));
        assertThat(cells).doesNotHaveDuplicates().containsExactlyInAnyOrderElementsOf(expected);
    }

    @Property(tries = 40)
    void anyOrderSortsTheSameCellsByItsCoordinates(@ForAll Random random) {
        List<Coordinate> order = new ArrayList<>(Arrays.asList(Coordinate.values()));
        Collections.shuffle(order, random);
        order = order.subList(0, random.nextInt(order.size() + 1));
        SweptModel[] models = {Sweeps.model("m", 8), Sweeps.model("n", 4)};
        String[] settings = {"tasks=[a, b]", "factors=[2]", "experts=[3, 1]", "controls.other-task=c"};
        List<Cell> plain = Sweeps.cells(Sweeps.config(settings), models);
        var with = new ArrayList<>(List.of(settings));
        with.add("order=" + order.toString().toLowerCase(java.util.Locale.ROOT));
        List<Cell> sorted = Sweeps.cells(Sweeps.config(with.toArray(String[]::new)), models);
        assertThat(sorted).containsExactlyInAnyOrderElementsOf(plain);
        if (!order.isEmpty()) {
            List<Object> values =
                    sorted.stream().map(value(order.get(0))::of).distinct().toList();
            List<Object> runs = new ArrayList<>();
            sorted.stream().map(value(order.get(0))::of).forEach(one -> {
                if (runs.isEmpty() || !runs.get(runs.size() - 1).equals(one)) {
                    runs.add(one);
                }
            });
            // a numbers of experts comes in the place that it has in its model's list, so E/2 of two models are one
            // value
            assertThat(runs).as(order.toString()).isEqualTo(order.get(0) == Coordinate.EXPERTS ? runs : values);
        }
    }

    private interface Value {
        Object of(Cell cell);
    }

    private static Value value(Coordinate coordinate) {
        return switch (coordinate) {
            case MODEL -> Cell::model;
            case TASK -> Cell::task;
            case ROLE -> Cell::role;
            case EXPERTS -> cell ->
                    cell.pruning().map(plan -> plan.settings().budget().keep()).orElse(0);
            case METHOD -> cell ->
                    cell.pruning().map(plan -> plan.settings().method().id()).orElse("");
            case ROUTER -> Cell::protocol; // places of rules are those within the method
            case SEED -> Cell::protocol;
        };
    }

    @Test
    void byDefaultTheParentComesFirstAndTheControlsLast() {
        List<Cell> cells = Sweeps.cells(Sweeps.config(), Sweeps.model("m", 8));
        // 2 K: uncurl with 2 seeds, 3 methods with one; 3 random; the same methods by plans of the other task
        assertThat(cells).hasSize(1 + 2 * (2 + 3) + 2 * 3 + 2 * (2 + 3));
        assertThat(cells.stream().map(Cell::role).distinct())
                .containsExactly(Role.PARENT, Role.METHOD, Role.RANDOM, Role.OTHER_TASK);
        assertThat(cells.subList(1, 4))
                .extracting(Cell::toString)
                .containsExactly(
                        "uncurl 4 of 8, seed 1, map: m on flan",
                        "uncurl 4 of 8, seed 2, map: m on flan",
                        "m-smoe 4 of 8, map: m on flan");
    }

    @Test
    void aRandomChoiceThatIsAMethodOfTheSweepKeepsThatRole() {
        List<Cell> cells = Sweeps.cells(
                Sweeps.config("methods=[{name=random}]", "experts=[2]", "seeds=[2,3]", "controls.random-seeds=3"),
                Sweeps.model("m", 4));
        assertThat(cells.stream()
                        .filter(cell -> cell.role() != Role.OTHER_TASK)
                        .map(cell -> cell.role()
                                + cell.pruning()
                                        .map(plan -> " " + plan.settings().seed())
                                        .orElse("")))
                .containsExactly("PARENT", "METHOD 2", "METHOD 3", "RANDOM 1");
    }

    @Test
    void aMethodHasTheRulesThatFitItAndTheRandomControlAlwaysHasOne() {
        List<Cell> cells = Sweeps.cells(
                Sweeps.config("methods=[{name=uncurl}]", "routers=[collapse, map]", "seeds=[1]", "experts=[2]"),
                Sweeps.model("m", 4));
        assertThat(rules(cells, Role.METHOD)).containsExactly(RouterRule.COLLAPSE, RouterRule.MAP);
        assertThat(rules(cells, Role.RANDOM)).containsExactly(RouterRule.MASK);
    }

    private static List<RouterRule> rules(List<Cell> cells, Role role) {
        return cells.stream()
                .filter(cell -> cell.role() == role)
                .map(cell -> cell.pruning().orElseThrow().router())
                .distinct()
                .toList();
    }

    @Test
    void whatAModelCannotKeepIsLeftOutAndSaid() {
        SweepConfig config = Sweeps.config("experts=[8, 2]", "factors=[4, 3]");
        SearchSpace space = SearchSpace.of(
                config, List.of(Sweeps.model("m", 8), Sweeps.model("n", 6)), List.of(), Sweeps.tasks(config));
        assertThat(space.leftOut())
                .containsExactly(
                        "8 experts of m, which has 8",
                        "factor 3 of m, which has 8 experts",
                        "8 experts of n, which has 6",
                        "factor 4 of n, which has 6 experts");
        assertThat(space.cells().stream()
                        .flatMap(cell -> cell.pruning().stream())
                        .map(plan -> plan.settings().budget().keep())
                        .collect(Collectors.toSet()))
                .containsExactly(2);
        assertThatThrownBy(() -> Sweeps.cells(Sweeps.config("experts=[8]"), Sweeps.model("m", 8)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("nothing to prune: 8 experts of m, which has 8");
    }

    @Test
    void oneTaskWithoutAnotherHasNoWrongTask() {
        List<Cell> cells = Sweeps.cells(Sweeps.config("controls.other-task=\"\""), Sweeps.model("m", 8));
        assertThat(cells).noneMatch(cell -> cell.role() == Role.OTHER_TASK);
    }

    @Test
    void anIdIsOfEverythingThatDeterminesTheResultsAndOfNothingElse() {
        Cell cell = cell("m", "sha", "data", "");
        var ids = new HashSet<String>();
        ids.add(cell.id());
        ids.add(cell("m", "sha2", "data", "").id());
        ids.add(cell("m", "sha", "data2", "").id());
        ids.add(cell("n", "sha", "data", "").id());
        for (String setting : List.of(
                "evaluate.limit=7",
                "evaluate.split=train",
                "routing.split=validation",
                "routing.tokens=5",
                "experts=[3]",
                "seeds=[9]",
                "methods=[{name=spectral}]",
                "methods=[{name=uncurl, weights=uniform}]",
                "methods=[{name=uncurl, budget=adaptive}]",
                "methods=[{name=uncurl, max-cluster=3}]",
                "routers=[collapse, mask]",
                "align=false",
                "makes=models",
                "tasks=[other]")) {
            assertThat(ids.add(cell("m", "sha", "data", setting).id()))
                    .as(setting)
                    .isTrue();
        }
        for (String setting : List.of(
                "max-cells=3",
                "until=\"06:00\"",
                "order=[seed]",
                "sweep=other",
                "routing.outputs=99",
                "controls.random-seeds=2",
                "dtype=bf16")) {
            assertThat(cell("m", "sha", "data", setting).id()).as(setting).isEqualTo(cell.id());
        }
        assertThat(new Cell(Role.RANDOM, cell.model(), cell.task(), cell.pruning(), cell.recipe(), cell.protocol())
                        .id())
                .isEqualTo(cell.id());
    }

    private static Cell cell(String model, String sha256, String data, String setting) {
        SweepConfig config = setting.isEmpty() ? Sweeps.config("seeds=[1]") : Sweeps.config("seeds=[1]", setting);
        var tasks = Sweeps.tasks(config);
        tasks.replaceAll((name, task) -> new SweptTask(name, data));
        return SearchSpace.of(config, List.of(new SweptModel(model, sha256, 8)), List.of(), tasks).cells().stream()
                .filter(one -> one.role() == Role.METHOD
                        && one.pruning().orElseThrow().settings().method() != BuiltInMethods.FREQUENCY)
                .findFirst()
                .orElseThrow();
    }
}
