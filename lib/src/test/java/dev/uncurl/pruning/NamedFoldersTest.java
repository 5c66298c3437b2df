package dev.uncurl.pruning;

import static dev.uncurl.pruning.NamedFolders.D;
import static dev.uncurl.pruning.NamedFolders.E;
import static dev.uncurl.pruning.NamedFolders.F;
import static dev.uncurl.pruning.NamedFolders.LAYERS;
import static dev.uncurl.pruning.NamedFolders.forward;
import static dev.uncurl.pruning.NamedFolders.plan;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.NamedFolders.Family;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Plans applied to folders of which only the names are known. */
class NamedFoldersTest {
    private static final int[] IDENTITY = IntStream.range(0, E).toArray();

    @TempDir
    Path folder;

    private static MergeOptions options(RouterRule rule, DType dtype) {
        return new MergeOptions(rule, true, dtype);
    }

    /** The tokens that never choose an expert that is to go. */
    private static List<double[]> tokens(TensorFolder model, Family family, int layer, int unchosen)
            throws IOException {
        var random = new Random(9);
        var tokens = new ArrayList<double[]>();
        while (tokens.size() < 20) {
            double[] x = random.doubles(D, -2, 2).toArray();
            int[] chosen = NamedFolders.topTwo(NamedFolders.multiply(model.read(family.router(layer)), x), IDENTITY);
            if (chosen[0] != unchosen && chosen[1] != unchosen) {
                tokens.add(x);
            }
        }
        return tokens;
    }

    /** Rows of gate and up and columns of down in another order. */
    private static void copyPermuted(
            Map<String, float[]> tensors, Family family, int layer, int from, int to, int[] order) {
        for (int part = 0; part < 3; part++) {
            float[] source = tensors.get(family.expert(layer, from, part));
            float[] target = tensors.get(family.expert(layer, to, part));
            for (int f = 0; f < F; f++) {
                for (int d = 0; d < D; d++) {
                    target[part == 2 ? d * F + f : f * D + d] = source[part == 2 ? d * F + order[f] : order[f] * D + d];
                }
            }
        }
    }

    /**
     * A mean of equal values is that value, in FLOAT and so in BF16: in both types the merged expert has the bits of its
     * reference. What is left is the order in which the naive pass adds up the neurons of the copies, in double.
     */
    @ParameterizedTest
    @CsvSource({"MIXTRAL, F32", "MIXTRAL, BF16", "OLMOE, F32", "OLMOE, BF16"})
    void mergingPermutedCopiesLeavesTheOutputOfTheBlock(Family family, DType dtype) throws IOException {
        Map<String, float[]> tensors = NamedFolders.tensors(family, dtype, 1);
        var random = new Random(2);
        for (int layer = 0; layer < LAYERS; layer++) {
            copyPermuted(tensors, family, layer, 0, 2, Samples.permutation(random, F));
            copyPermuted(tensors, family, layer, 0, 3, Samples.permutation(random, F));
        }
        TensorFolder source = NamedFolders.write(folder.resolve("source"), family, dtype, tensors);
        int[] clusters = {0, 1, 0, 0};
        Plan plan = plan(clusters, 0.3, 1, 0.2, 0.5);
        TensorFolder pruned =
                NamedFolders.apply(source, plan, options(RouterRule.MAP, dtype), folder.resolve("pruned"), family);
        assertThat(pruned.names()).hasSize(source.names().size() - LAYERS * 2 * 3);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(pruned.same(family.router(layer), source, family.router(layer)))
                    .isTrue();
            for (int part = 0; part < 3; part++) {
                assertThat(pruned.read(family.expert(layer, 0, part)))
                        .containsExactly(source.read(family.expert(layer, 0, part)));
            }
            for (double[] x : tokens(source, family, layer, E)) {
                assertThat(forward(pruned, family, layer, clusters, x))
                        .containsExactly(forward(source, family, layer, IDENTITY, x), within(1e-12));
            }
        }
    }

    /** In both families the softmax is over all rows, so that a masked row changes no gate. */
    @ParameterizedTest
    @CsvSource({"MIXTRAL, F32", "MIXTRAL, BF16", "OLMOE, F32", "OLMOE, BF16"})
    void droppingAnExpertThatIsNeverChosenChangesNoOutput(Family family, DType dtype) throws IOException {
        TensorFolder source =
                NamedFolders.write(folder.resolve("source"), family, dtype, NamedFolders.tensors(family, dtype, 3));
        Plan plan = plan(new int[] {0, -1, 1, 2}, 1, 0, 1, 1);
        TensorFolder masked =
                NamedFolders.apply(source, plan, options(RouterRule.MASK, dtype), folder.resolve("masked"), family);
        TensorFolder sliced =
                NamedFolders.apply(source, plan, options(RouterRule.SLICE, dtype), folder.resolve("sliced"), family);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(sliced.tensor(family.router(layer)).shape()).containsExactly(3, D);
            for (double[] x : tokens(source, family, layer, 1)) {
                double[] before = forward(source, family, layer, IDENTITY, x);
                assertThat(forward(masked, family, layer, new int[] {0, -1, 1, 2}, x))
                        .containsExactly(before);
                if (family.renormalizes) {
                    assertThat(forward(sliced, family, layer, new int[] {0, 1, 2}, x))
                            .containsExactly(before, within(1e-12));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"MIXTRAL, F32", "MIXTRAL, BF16", "OLMOE, F16", "OLMOE, BF16"})
    void keepingAllExpertsGivesTheInputBitForBit(Family family, DType dtype) throws IOException {
        TensorFolder source =
                NamedFolders.write(folder.resolve("source"), family, dtype, NamedFolders.tensors(family, dtype, 4));
        for (RouterRule rule : RouterRule.values()) {
            TensorFolder pruned = NamedFolders.apply(
                    source, plan(IDENTITY, 1, 1, 1, 1), options(rule, dtype), folder.resolve(rule.id()), family);
            assertThat(pruned.tensors()).containsExactlyInAnyOrderElementsOf(source.tensors());
            for (String tensor : source.names()) {
                assertThat(pruned.same(tensor, source, tensor)).as(tensor).isTrue();
            }
        }
    }

    /** Means of unlike experts, neuron by neuron: sums in double, rounded to FLOAT, then to the type. */
    @ParameterizedTest
    @CsvSource({"MIXTRAL, F32", "MIXTRAL, BF16", "OLMOE, F32", "OLMOE, BF16"})
    void mergedExpertsAndCollapsedRoutersAreWeightedMeans(Family family, DType dtype) throws IOException {
        Map<String, float[]> tensors = NamedFolders.tensors(family, DType.F32, 5);
        TensorFolder source = NamedFolders.write(folder.resolve("source"), family, DType.F32, tensors);
        Plan plan = plan(new int[] {0, 1, 0, 1}, 0.25, 0.9, 0.75, 0.1);
        var unaligned = new MergeOptions(RouterRule.COLLAPSE, false, dtype);
        TensorFolder pruned = NamedFolders.apply(source, plan, unaligned, folder.resolve("pruned"), family);
        for (int layer = 0; layer < LAYERS; layer++) {
            float[] router = tensors.get(family.router(layer));
            float[] rows = pruned.read(family.router(layer));
            assertThat(rows).hasSize(2 * D);
            for (int cluster = 0; cluster < 2; cluster++) {
                double weight = cluster == 0 ? 0.25 : 0.9;
                double other = cluster == 0 ? 0.75 : 0.1;
                for (int d = 0; d < D; d++) {
                    double mean = weight * router[cluster * D + d] + other * router[(cluster + 2) * D + d];
                    assertThat(rows[cluster * D + d]).isEqualTo(dtype.round((float) mean));
                }
                for (int part = 0; part < 3; part++) {
                    float[] first = tensors.get(family.expert(layer, cluster, part));
                    float[] second = tensors.get(family.expert(layer, cluster + 2, part));
                    float[] merged = pruned.read(family.expert(layer, cluster, part));
                    for (int i = 0; i < first.length; i++) {
                        assertThat(merged[i]).isEqualTo(dtype.round((float) (weight * first[i] + other * second[i])));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFolderThatIsNotWholeOrNotThePlansIsRefused(Family family) throws IOException {
        Plan plan = plan(new int[] {0, 0, 1, 1}, 0.5, 0.5, 0.5, 0.5);
        var options = options(RouterRule.MAP, DType.F32);
        Map<String, float[]> tensors = NamedFolders.tensors(family, DType.F32, 6);
        float[] lost = tensors.remove(family.expert(1, 2, 2));
        TensorFolder damaged = NamedFolders.write(folder.resolve("damaged"), family, DType.F32, tensors);
        assertThatThrownBy(() -> PlanApplier.prunedTensors(damaged, plan, options))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("layer 1, expert 2")
                .hasMessageContaining("EXPERT_DOWN");
        tensors.put(family.expert(1, 2, 2), lost);
        for (int part = 0; part < 3; part++) {
            tensors.remove(family.expert(0, 3, part));
        }
        TensorFolder few = NamedFolders.write(folder.resolve("few"), family, DType.F32, tensors);
        assertThatThrownBy(() -> PlanApplier.prunedTensors(few, plan, options))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("E = 4 experts in layer 0")
                .hasMessageContaining("has 3");
        tensors.keySet().removeIf(name -> name.contains("layers.0.") && !name.contains("attn"));
        TensorFolder dense = NamedFolders.write(folder.resolve("dense"), family, DType.F32, tensors);
        assertThatThrownBy(() -> PlanApplier.prunedTensors(dense, plan, options))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("has experts in layers [1]");
    }
}
