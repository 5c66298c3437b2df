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
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pruned models whose routers are mapped, or whose layers differ in experts. */
class MappedRouterTest {
    private static final MergeOptions MAP = new MergeOptions(RouterRule.MAP, true);
    private static final MergeOptions COLLAPSE = new MergeOptions(RouterRule.COLLAPSE, true);
    private static final MergeOptions SLICE = new MergeOptions(RouterRule.SLICE, true);

    @TempDir
    java.nio.file.Path folder;

    private PrunedModels models;

    @BeforeEach
    void files() throws IOException {
        models = new PrunedModels(folder);
    }

    /** Makes the experts of each cluster one function, with the neurons of each in an order of its own. */
    private static void makeAlike(ModelFolder source, float[] parameters, int layer, int[] labels, Random random)
            throws IOException {
        int[] first = new int[E];
        Arrays.fill(first, -1);
        for (int e = 0; e < E; e++) {
            if (first[labels[e]] < 0) {
                first[labels[e]] = e;
                continue;
            }
            Expert original = Expert.read(source.tensors(), layer, first[labels[e]]);
            Expert copy = Samples.permuted(original, Samples.permutation(random, original.neurons()));
            for (int t = 0; t < 4; t++) {
                String name = ParameterLayout.expert(layer, e) + ParameterLayout.FEED_FORWARD.get(t);
                float[] values = copy.tensors().get(t);
                System.arraycopy(
                        values,
                        0,
                        parameters,
                        (int) source.layout().tensor(name).offset(),
                        values.length);
            }
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true", "4, true"})
    void whereTheMembersOfEachClusterAreOneFunctionTheLogitsStay(int topK, boolean renormalize) throws IOException {
        ModelConfig config = config(topK, renormalize);
        for (int seed = 0; seed < 4; seed++) {
            var random = new Random(seed);
            float[] parameters = parameters(config, seed);
            ModelFolder unlike = models.write("unlike" + seed, config, parameters);
            var labels = new TreeMap<Integer, int[]>();
            for (int layer : config.moeLayers()) {
                int most = 1 + random.nextInt(E);
                int[] own = Labels.canonical(random.ints(E, 0, most).toArray());
                labels.put(layer, own);
                makeAlike(unlike, parameters, layer, own, random);
            }
            ModelFolder source = models.write("source" + seed, config, parameters);
            ModelFolder pruned = models.apply(source, plan(source, labels), MAP, "pruned" + seed);
            pruned.verify();
            assertThat(pruned.config().moe().topK()).isEqualTo(topK);
            float[][] before = logits(source);
            float[][] after = logits(pruned);
            for (int token = 0; token < VOCABULARY; token++) {
                assertThat(after[token]).containsExactly(before[token], within(1e-5f));
            }
            for (int layer : config.moeLayers()) {
                MoeLayer own = pruned.config().moe().layer(layer);
                assertThat(own.expertOfRow()).containsExactly(labels.get(layer));
                String router = ParameterLayout.router(layer);
                assertThat(tensor(pruned, router)).containsExactly(tensor(source, router));
            }
        }
    }

    @Test
    void rowsOfDroppedExpertsGoAndThoseOfTheOthersStayBitForBit() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, new int[] {-1, 0, 1, 0, -1, 1}, 3, new int[] {0, 1, 2, 3, 0, 4}));
        ModelFolder pruned = models.apply(source, plan, SLICE, "pruned");
        pruned.verify();
        assertThat(pruned.config().moe().byLayer())
                .isEqualTo(
                        Map.of(1, new MoeLayer(2, List.of(0, 1, 0, 1)), 3, new MoeLayer(5, List.of(0, 1, 2, 3, 0, 4))));
        float[] before = tensor(source, ParameterLayout.router(1));
        float[] after = tensor(pruned, ParameterLayout.router(1));
        int[] kept = {1, 2, 3, 5};
        for (int row = 0; row < kept.length; row++) {
            assertThat(Arrays.copyOfRange(after, row * 6, row * 6 + 6))
                    .containsExactly(Arrays.copyOfRange(before, kept[row] * 6, kept[row] * 6 + 6));
        }
        assertThat(logits(pruned)[0]).doesNotContain(Float.NaN);
    }

    /** Nothing is merged, so nothing is left to map: the rows and experts that are kept are all there is. */
    @Test
    void whereExpertsAreOnlyDroppedSlicingGivesAPlainModel() throws IOException {
        ModelConfig config = config(2, true);
        float[] parameters = parameters(config, 1);
        ModelFolder source = models.write("source", config, parameters);
        int[] labels = {0, -1, 1, 2, -1, -1};
        models.apply(source, plan(source, Map.of(1, labels, 3, labels)), SLICE, "sliced");
        ModelConfig few = config.withExperts(3);
        float[] kept = new float[(int) ParameterLayout.of(few).length()];
        for (var tensor : ParameterLayout.of(few).tensors()) {
            String name = tensor.name().replace("experts.2", "experts.3").replace("experts.1", "experts.2");
            int from = (int) source.layout().tensor(name).offset();
            System.arraycopy(parameters, from, kept, (int) tensor.offset(), (int) tensor.length());
            for (int row = 1; row < 3 && name.endsWith("router.weight"); row++) {
                System.arraycopy(parameters, from + (row + 1) * 6, kept, (int) tensor.offset() + row * 6, 6);
            }
        }
        models.write("plain", few, kept);
        try (var files = Files.list(folder.resolve("sliced"))) {
            for (var file : files.filter(f -> !f.endsWith("manifest.json")).toList()) {
                assertThat(file)
                        .as("a pruned model with the same K everywhere is a model like any other")
                        .hasSameBinaryContentAs(folder.resolve("plain").resolve(file.getFileName()));
            }
        }
    }

    @Test
    void layersMayEndWithDifferentNumbersOfExpertsWhenRoutersCollapse() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, new int[] {0, 0, 0, 0, 0, 0}, 3, new int[] {0, 1, 0, 2, 1, 2}));
        ModelFolder pruned = models.apply(source, plan, COLLAPSE, "pruned");
        pruned.verify();
        assertThat(pruned.config().moe().byLayer()).isEqualTo(Map.of(1, new MoeLayer(1), 3, new MoeLayer(3)));
        assertThat(pruned.config().moe().choices(1)).isEqualTo(1);
        assertThat(pruned.config().moe().choices(3)).isEqualTo(2);
        for (int layer : config.moeLayers()) {
            float[] before = tensor(source, ParameterLayout.router(layer));
            float[] after = tensor(pruned, ParameterLayout.router(layer));
            assertThat(after).hasSize(plan.clusters(layer) * 6);
            for (int i = 0; i < after.length; i++) {
                double mean = 0;
                for (ExpertAssignment member : plan.members(layer, i / 6)) {
                    mean += member.weight() * before[member.expert() * 6 + i % 6];
                }
                assertThat((double) after[i]).isCloseTo(mean, within(1e-6));
            }
            for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
                Expert merged = PlainPruning.expert(source, plan, true, layer, cluster);
                for (int t = 0; t < 4; t++) {
                    assertThat(Expert.read(pruned.tensors(), layer, cluster)
                                    .tensors()
                                    .get(t))
                            .containsExactly(merged.tensors().get(t));
                }
            }
        }
        assertThat(logits(pruned)[0]).doesNotContain(Float.NaN);
    }

    @Test
    void aMappedModelAndOneOfDifferentLayersAreNotPrunedAgain() throws IOException {
        ModelConfig config = config(1, false);
        ModelFolder source = models.write("source", config, parameters(config, 1));
        var labels = Map.of(1, new int[] {0, 0, 1, 1, 2, 2}, 3, new int[] {0, 1, 2, 3, 4, 4});
        ModelFolder mapped = models.apply(source, plan(source, labels), MAP, "mapped");
        assertThatThrownBy(() -> models.apply(mapped, plan(mapped, labels), COLLAPSE, "again"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("mapped was pruned before, with the router rule map")
                .hasMessageContaining("in layer 1 6 router rows lead to 3 experts")
                .hasMessageContaining("Prune the model from which it was made");
        ModelFolder collapsed = models.apply(source, plan(source, labels), COLLAPSE, "collapsed");
        assertThatThrownBy(() -> models.apply(collapsed, plan(collapsed, labels), COLLAPSE, "again"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining(
                        "collapsed was pruned before, to different numbers of experts: {1=3, 3=5} by layer")
                .hasMessageContaining("Prune the model from which it was made");
        assertThat(folder.resolve("again")).doesNotExist();
    }
}
