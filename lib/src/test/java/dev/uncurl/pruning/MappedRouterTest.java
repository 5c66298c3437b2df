package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.clustering.Labels;
import dev.uncurl.config.ModelConfig;
import dev.uncurl.config.MoeConfig;
import dev.uncurl.config.MoeLayer;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.ParameterLayout;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.factory.Nd4j;

/** Pruned models whose routers are mapped, or whose layers differ in experts. */
class MappedRouterTest {
    private static final int E = 6;
    private static final int VOCABULARY = 13;
    private static final Application MAP = new Application(RouterRule.MAP, true);
    private static final Application COLLAPSE = new Application(RouterRule.COLLAPSE, true);

    @TempDir
    java.nio.file.Path folder;

    private FileSystem fs;

    @BeforeEach
    void files() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
    }

    private static ModelConfig config(int topK, boolean renormalize) {
        return new ModelConfig(4, 6, 2, 10, VOCABULARY, 8, new MoeConfig(E, topK, 2, renormalize, 0.01, 0));
    }

    private static float[] parameters(ModelConfig config, long seed) {
        return Samples.floats(new Random(seed), (int) ParameterLayout.of(config).length(), 0.3);
    }

    private ModelFolder write(String name, ModelConfig config, float[] parameters) throws IOException {
        var lineage = Lineage.here(null, "pretrain", Map.of(), "test", "none");
        return ModelFolder.write(fs, path(name), config, parameters, lineage);
    }

    private Path path(String name) {
        return new Path(folder.resolve(name).toString());
    }

    /** @param labels by layer the cluster of each expert; below 0 it is dropped */
    private static Plan plan(ModelFolder source, Map<Integer, int[]> labels) {
        var rows = new ArrayList<Assignment>();
        for (var layer : new TreeMap<>(labels).entrySet()) {
            int[] clusters = layer.getValue();
            for (int e = 0; e < E; e++) {
                int cluster = clusters[e];
                long members = Arrays.stream(clusters).filter(c -> c == cluster).count();
                boolean first = IntStream.range(0, e).noneMatch(before -> clusters[before] == cluster);
                rows.add(
                        cluster < 0
                                ? new Assignment(layer.getKey(), e, Assignment.DROPPED, 0, false)
                                : new Assignment(layer.getKey(), e, cluster, 1.0 / members, first));
            }
        }
        int most = rows.stream().mapToInt(Assignment::cluster).max().orElseThrow() + 1;
        return new Plan(
                new Plan.Origin("m", source.manifestSha256(), "task", "uncurl", E, most, 1, new TreeMap<>()), rows);
    }

    private ModelFolder apply(ModelFolder source, Plan plan, Application application, String name) throws IOException {
        return PlainPruning.apply(source, plan, application, fs, path(name));
    }

    private static float[] tensor(ModelFolder model, String name) throws IOException {
        float[] values = new float[(int) model.layout().tensor(name).length()];
        model.read(name, values, 0);
        return values;
    }

    /** log p of every token of the vocabulary at every position but the last: the logits, but for a constant. */
    private static float[][] logits(ModelFolder model) throws IOException {
        int[] tokens = new Random(5).ints(40, 0, VOCABULARY).toArray();
        var logits = new float[VOCABULARY][];
        var values = Nd4j.createFromArray(model.readParameters());
        try (var language = SmoeLanguageModel.forScoring(model.config(), values, tokens.length)) {
            for (int token = 0; token < VOCABULARY; token++) {
                int[] targets = new int[tokens.length];
                Arrays.fill(targets, token);
                language.forward(new TokenBatch(tokens, targets, 5, 8));
                logits[token] = language.targetLogProbabilities();
            }
        }
        return logits;
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
            Expert original = Expert.read(source, layer, first[labels[e]]);
            Expert copy = original.permuted(Samples.permutation(random, original.feedForward()));
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

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "2, true", "4, true"})
    void whereTheMembersOfEachClusterAreOneFunctionTheLogitsStay(int topK, boolean renormalize) throws IOException {
        ModelConfig config = config(topK, renormalize);
        for (int seed = 0; seed < 4; seed++) {
            var random = new Random(seed);
            float[] parameters = parameters(config, seed);
            ModelFolder unlike = write("unlike" + seed, config, parameters);
            var labels = new TreeMap<Integer, int[]>();
            for (int layer : config.moeLayers()) {
                int most = 1 + random.nextInt(E);
                int[] own = Labels.canonical(random.ints(E, 0, most).toArray());
                labels.put(layer, own);
                makeAlike(unlike, parameters, layer, own, random);
            }
            ModelFolder source = write("source" + seed, config, parameters);
            ModelFolder pruned = apply(source, plan(source, labels), MAP, "pruned" + seed);
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
        ModelFolder source = write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, new int[] {-1, 0, 1, 0, -1, 1}, 3, new int[] {0, 1, 2, 3, 0, 4}));
        ModelFolder pruned = apply(source, plan, MAP, "pruned");
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

    /** Nothing is merged, so nothing is left to map. */
    @Test
    void whereExpertsAreOnlyDroppedBothRouterRulesGiveTheSamePlainModel() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = write("source", config, parameters(config, 1));
        int[] labels = {0, -1, 1, 2, -1, -1};
        Plan plan = plan(source, Map.of(1, labels, 3, labels));
        apply(source, plan, COLLAPSE, "collapsed");
        assertThat(apply(source, plan, MAP, "mapped").config()).isEqualTo(config.withExperts(3));
        write("plain", config.withExperts(3), parameters(config.withExperts(3), 2));
        assertThat(folder.resolve("mapped/config.json"))
                .as("a pruned model with the same K everywhere is a model like any other")
                .hasSameBinaryContentAs(folder.resolve("plain/config.json"));
        try (var files = Files.list(folder.resolve("mapped"))) {
            for (var file : files.filter(f -> !f.endsWith("manifest.json")).toList()) {
                assertThat(file)
                        .hasSameBinaryContentAs(folder.resolve("collapsed").resolve(file.getFileName()));
            }
        }
    }

    @Test
    void layersMayEndWithDifferentNumbersOfExpertsWhenRoutersCollapse() throws IOException {
        ModelConfig config = config(2, true);
        ModelFolder source = write("source", config, parameters(config, 1));
        Plan plan = plan(source, Map.of(1, new int[] {0, 0, 0, 0, 0, 0}, 3, new int[] {0, 1, 0, 2, 1, 2}));
        ModelFolder pruned = apply(source, plan, COLLAPSE, "pruned");
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
                for (Assignment member : plan.members(layer, i / 6)) {
                    mean += member.weight() * before[member.expert() * 6 + i % 6];
                }
                assertThat((double) after[i]).isCloseTo(mean, within(1e-6));
            }
            for (int cluster = 0; cluster < plan.clusters(layer); cluster++) {
                Expert merged = PlainPruning.expert(source, plan, true, layer, cluster);
                for (int t = 0; t < 4; t++) {
                    assertThat(Expert.read(pruned, layer, cluster).tensors().get(t))
                            .containsExactly(merged.tensors().get(t));
                }
            }
        }
        assertThat(logits(pruned)[0]).doesNotContain(Float.NaN);
    }

    @Test
    void aMappedModelAndOneOfDifferentLayersAreNotPrunedAgain() throws IOException {
        ModelConfig config = config(1, false);
        ModelFolder source = write("source", config, parameters(config, 1));
        var labels = Map.of(1, new int[] {0, 0, 1, 1, 2, 2}, 3, new int[] {0, 1, 2, 3, 4, 4});
        ModelFolder mapped = apply(source, plan(source, labels), MAP, "mapped");
        assertThatThrownBy(() -> apply(mapped, plan(mapped, labels), COLLAPSE, "again"))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("mapped was pruned before, with the router rule map")
                .hasMessageContaining("in layer 1 6 router rows lead to 3 experts")
                .hasMessageContaining("Prune the model that it comes from");
        ModelFolder collapsed = apply(source, plan(source, labels), COLLAPSE, "collapsed");
        assertThatThrownBy(() -> apply(collapsed, plan(collapsed, labels), COLLAPSE, "again"))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining(
                        "collapsed was pruned before, to another number of experts in each layer: {1=3, 3=5}")
                .hasMessageContaining("Prune the model that it comes from");
        assertThat(folder.resolve("again")).doesNotExist();
    }
}
