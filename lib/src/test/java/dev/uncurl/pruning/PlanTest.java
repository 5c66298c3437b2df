package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.error.UserError;
import dev.uncurl.routing.NaiveStatistics;
import dev.uncurl.routing.RouterGram;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PlanTest {
    private static List<LayerStatistics> evidence(long seed, int experts) {
        var random = new Random(seed);
        return List.of(
                Samples.complete(3, random.nextLong(), experts), Samples.complete(1, random.nextLong(), experts));
    }

    private static Plan plan(BuiltInMethods method, List<LayerStatistics> evidence, int keep, long seed) {
        return Planner.plan(
                "m", "sha", "superglue/boolq", PlanSettings.of(method, keep, seed), evidence, Map.of("snapshot", "7"));
    }

    @Property(tries = 100)
    void everyMethodGivesAWholePlanWithOneRowPerExpert(
            @ForAll BuiltInMethods method,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 1, max = 12) int wanted) {
        int keep = Math.min(wanted, experts);
        List<LayerStatistics> evidence = evidence(seed, experts);
        Plan plan = plan(method, evidence, keep, seed);
        assertThat(plan.layers()).containsExactly(1, 3);
        assertThat(plan.assignments()).hasSize(2 * experts);
        for (int layer : plan.layers()) {
            for (int cluster = 0; cluster < keep; cluster++) {
                var members = plan.members(layer, cluster);
                assertThat(members).isNotEmpty();
                assertThat(members.stream()
                                .mapToDouble(ExpertAssignment::weight)
                                .sum())
                        .isCloseTo(1, within(1e-12));
                assertThat(members).filteredOn(ExpertAssignment::isReference).hasSize(1);
            }
            if (keep == experts) {
                assertThat(plan.layer(layer))
                        .allMatch(row -> row.cluster() == row.expert() && row.weight() == 1 && row.isReference());
            }
        }
        assertThat(plan(method, evidence, keep, seed)).isEqualTo(plan);
    }

    @Test
    void randomDependsOnSeedAndLayerAlone() {
        var one = evidence(1, 12);
        var other = evidence(2, 12);
        assertThat(plan(BuiltInMethods.RANDOM, one, 6, 5).assignments())
                .isEqualTo(plan(BuiltInMethods.RANDOM, other, 6, 5).assignments())
                .isNotEqualTo(plan(BuiltInMethods.RANDOM, one, 6, 6).assignments());
        var plan = plan(BuiltInMethods.RANDOM, one, 6, 5);
        assertThat(plan.layer(1))
                .extracting(ExpertAssignment::cluster)
                .isNotEqualTo(
                        plan.layer(3).stream().map(ExpertAssignment::cluster).toList());
    }

    @Test
    void theIdNamesEverythingThatDeterminedThePlan() {
        var evidence = evidence(1, 8);
        Plan plan = plan(BuiltInMethods.FREQUENCY, evidence, 4, 0);
        assertThat(plan.id())
                .hasSize(32)
                .isEqualTo(plan(BuiltInMethods.FREQUENCY, evidence, 4, 0).id());
        assertThat(List.of(
                        plan(BuiltInMethods.UNCURL, evidence, 4, 0).id(),
                        plan(BuiltInMethods.KMEANS, evidence, 4, 0).id(),
                        plan(BuiltInMethods.FREQUENCY, evidence, 3, 0).id(),
                        plan(BuiltInMethods.FREQUENCY, evidence, 4, 1).id(),
                        plan(BuiltInMethods.FREQUENCY, evidence(2, 8), 4, 0).id(),
                        id(MergeWeights.UNIFORM, Budget.uniform(4), evidence),
                        id(MergeWeights.FREQUENCY, budget(Budget.Sharing.ADAPTIVE, Map.of(), 0), evidence),
                        id(MergeWeights.FREQUENCY, budget(Budget.Sharing.UNIFORM, Map.of(1, 8), 0), evidence),
                        id(MergeWeights.FREQUENCY, budget(Budget.Sharing.UNIFORM, Map.of(), 3), evidence)))
                .doesNotHaveDuplicates()
                .doesNotContain(plan.id());
    }

    private static Budget budget(Budget.Sharing sharing, Map<Integer, Integer> exceptions, int maxCluster) {
        return new Budget(sharing, 4, new TreeMap<>(exceptions), maxCluster);
    }

    private static String id(MergeWeights weights, Budget budget, List<LayerStatistics> evidence) {
        var settings = new PlanSettings(BuiltInMethods.FREQUENCY, weights, budget, 0);
        return Planner.plan("m", "sha", "superglue/boolq", settings, evidence, Map.of("snapshot", "7"))
                .id();
    }

    @Test
    void exceptionsAndTheLargestClusterAreKeptTo() {
        var settings = new PlanSettings(
                BuiltInMethods.AGGLOMERATIVE_SINGLE,
                MergeWeights.REFERENCE_ONLY,
                budget(Budget.Sharing.UNIFORM, Map.of(3, 12), 4),
                0);
        Plan plan = Planner.plan("m", "sha", "t", settings, evidence(6, 12), Map.of());
        assertThat(plan.clusters(1)).isEqualTo(4);
        assertThat(plan.clusters(3)).isEqualTo(12);
        for (int cluster = 0; cluster < 4; cluster++) {
            assertThat(plan.members(1, cluster)).hasSizeLessThanOrEqualTo(4).allSatisfy(row -> assertThat(row.weight())
                    .isEqualTo(row.isReference() ? 1 : 0));
        }
        assertThat(plan.origin().inputs())
                .containsEntry("layers", "3=12")
                .containsEntry("max-cluster", "4")
                .containsEntry("weights", "reference-only");
    }

    @Test
    void whatCannotBePlannedIsRefused() {
        assertThatThrownBy(() -> BuiltInMethods.named("uncrul"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean uncurl?");
        assertThat(BuiltInMethods.named("frequency")).isEqualTo(BuiltInMethods.FREQUENCY);
        for (int keep : new int[] {0, 9}) {
            assertThatThrownBy(() -> plan(BuiltInMethods.UNCURL, evidence(1, 8), keep, 0))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("K = " + keep)
                    .hasMessageContaining("E = 8")
                    .extracting(e -> ((UserError) e).kind())
                    .isEqualTo(UserError.Kind.USAGE);
        }
        assertThatThrownBy(() -> plan(BuiltInMethods.UNCURL, List.of(), 1, 0)).isInstanceOf(UserError.class);
        var unseen = List.of(
                new LayerStatistics(1, new RouterGram(4, 0, new double[16]), new NaiveStatistics(4).statistics()));
        assertThatThrownBy(() -> plan(BuiltInMethods.UNCURL, unseen, 2, 0))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Layer 1: There are no router logits");
        assertThatThrownBy(() -> new LayerStatistics(
                        5, new RouterGram(4, 0, new double[16]), new NaiveStatistics(3).statistics()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Layer 5");
    }

    @Test
    void rowsThatAreNoPlanAreRefused() {
        var origin = new Plan.Origin("m", "s", "t", "uncurl", 2, 1, 0, new TreeMap<>());
        var first = new ExpertAssignment(1, 0, 0, 0.5, true);
        for (ExpertAssignment second : List.of(
                new ExpertAssignment(1, 1, 0, 0.4, false),
                new ExpertAssignment(1, 1, 0, 0.5, true),
                new ExpertAssignment(1, 1, 2, 0.5, true),
                new ExpertAssignment(1, 2, 0, 0.5, false),
                new ExpertAssignment(1, 1, 0, Double.NaN, false),
                new ExpertAssignment(1, 1, -1, 0.5, false))) {
            assertThatThrownBy(() -> new Plan(origin, List.of(first, second)))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("layer 1");
        }
        new Plan(origin, List.of(first, new ExpertAssignment(1, 1, 0, 0.5, false)));
    }

    @Test
    void layersMayHaveDifferentNumbersOfClusters() {
        var origin = new Plan.Origin("m", "s", "t", "uncurl", 2, 1, 0, new TreeMap<>());
        var plan = new Plan(
                origin,
                List.of(
                        new ExpertAssignment(1, 0, 0, 0.5, true),
                        new ExpertAssignment(1, 1, 0, 0.5, false),
                        new ExpertAssignment(3, 0, 0, 1, true),
                        new ExpertAssignment(3, 1, 1, 1, true),
                        new ExpertAssignment(5, 0, -1, 0, false),
                        new ExpertAssignment(5, 1, 0, 1, true)));
        assertThat(plan.clusters(1)).isEqualTo(1);
        assertThat(plan.clusters(3)).isEqualTo(2);
        assertThat(plan.clusters(5)).isEqualTo(1);
        assertThatThrownBy(() -> new Plan(
                        origin,
                        List.of(new ExpertAssignment(1, 0, -1, 0, false), new ExpertAssignment(1, 1, -1, 0, false))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("layer 1");
    }
}
