package dev.uncurl.pruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.checkpoint.ModelStaging;
import dev.uncurl.error.UserError;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.Gpt2Architecture;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PlanApplierTest extends PlanApplierFixture {
    @ParameterizedTest
    @EnumSource
    void keepingAllExpertsGivesTheModelBackBitForBit(BuiltInMethods method) throws IOException {
        for (String rule : RouterRule.ids(method)) {
            var options = new MergeOptions(RouterRule.named(rule, method), true);
            ModelFolder pruned = PlainPruning.apply(source, plan(source, method, E), options, fs, path(rule));
            assertThat(pruned.config()).isEqualTo(CONFIG);
            for (var file : source.manifest().files().keySet()) {
                assertThat(folder.resolve(rule).resolve(file))
                        .hasSameBinaryContentAs(folder.resolve("source").resolve(file));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void untouchedTensorsAreCopiedAndTheResultIsAPlainModelOfKExperts(BuiltInMethods method) throws IOException {
        Plan plan = plan(source, method, 3);
        ModelFolder pruned = apply(plan, "pruned");
        pruned.verify();
        assertThat(pruned.config()).isEqualTo(CONFIG.withExperts(3));
        assertThat(pruned.manifest().lineage().inputs()).containsEntry("plan", plan.id());
        assertThat(pruned.manifest().lineage().parentModelId()).isEqualTo("m");
        for (var tensor : pruned.layout().tensors()) {
            if (!tensor.name().contains(".moe.")) {
                assertThat(tensor(pruned, tensor.name())).isEqualTo(tensor(source, tensor.name()));
            }
        }
        for (int layer : CONFIG.moeLayers()) {
            float[] before = tensor(source, ParameterLayout.router(layer));
            float[] after = tensor(pruned, ParameterLayout.router(layer));
            for (int cluster = 0; cluster < 3; cluster++) {
                for (int d = 0; d < CONFIG.width(); d++) {
                    double mean = 0;
                    for (ExpertAssignment member : plan.members(layer, cluster)) {
                        mean += member.weight() * before[member.expert() * CONFIG.width() + d];
                    }
                    assertThat((double) after[cluster * CONFIG.width() + d]).isCloseTo(mean, within(1e-6));
                }
                var members = plan.members(layer, cluster);
                Expert expert = Expert.read(pruned.tensors(), layer, cluster);
                Expert expected = members.size() == 1
                        ? Expert.read(source.tensors(), layer, members.get(0).expert())
                        : PlainPruning.expert(source, plan, true, layer, cluster);
                for (int t = 0; t < 4; t++) {
                    assertThat(expert.tensors().get(t))
                            .isEqualTo(expected.tensors().get(t));
                }
            }
        }
        try (var files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder("source", "pruned");
        }
    }

    @Test
    void kEqualOneWorks() throws IOException {
        assertThat(apply(plan(source, BuiltInMethods.UNCURL, 1), "one")
                        .config()
                        .moe()
                        .experts())
                .isEqualTo(1);
    }

    @Test
    void permutedCopiesMergeBackIntoTheExpertTheyAreCopiesOf() throws IOException {
        float[] parameters = WeightArrays.array(source.config(), source);
        var random = new Random(8);
        for (int layer : CONFIG.moeLayers()) {
            Expert original = Expert.read(source.tensors(), layer, 0);
            for (int e = 1; e < E; e++) {
                Expert copy = Samples.permuted(original, Samples.permutation(random, CONFIG.feedForward()));
                for (int t = 0; t < 4; t++) {
                    String name = ParameterLayout.expert(layer, e) + ParameterLayout.FEED_FORWARD.get(t);
                    float[] values = copy.tensors().get(t);
                    int offset = (int) source.layout().tensor(name).offset();
                    System.arraycopy(values, 0, parameters, offset, values.length);
                }
            }
        }
        source = ModelFolder.write(
                fs,
                path("copies"),
                CONFIG,
                WeightArrays.of(CONFIG, parameters),
                source.manifest().lineage());
        Plan plan = plan(source, BuiltInMethods.UNCURL, 2);
        ModelFolder pruned = apply(plan, "pruned");
        for (int layer : CONFIG.moeLayers()) {
            for (int cluster = 0; cluster < 2; cluster++) {
                int reference = plan.members(layer, cluster).stream()
                        .filter(ExpertAssignment::isReference)
                        .findFirst()
                        .orElseThrow()
                        .expert();
                for (int t = 0; t < 4; t++) {
                    assertThat(Expert.read(pruned.tensors(), layer, cluster)
                                    .tensors()
                                    .get(t))
                            .containsExactly(
                                    Expert.read(source.tensors(), layer, reference)
                                            .tensors()
                                            .get(t),
                                    within(1e-6f));
                }
            }
        }
    }

    @Test
    void separateTasksInAnyOrderGiveTheSameBits() throws IOException {
        Plan plan = plan(source, BuiltInMethods.UNCURL, 3);
        ModelFolder expected = apply(plan, "sequential");
        ModelConfig config = PlanApplier.prunedConfig(CONFIG, plan, COLLAPSE);
        ModelStaging driver = ModelStaging.create(fs, path("parallel"), config);
        var alignments = new ArrayList<NeuronAlignment>();
        for (var merge : PlanApplier.merges(plan)) {
            alignments.add(
                    0, NeuronAlignment.align(ModelFolder.open(fs, source.dir()).tensors(), plan, merge));
        }
        for (int attempt = 0; attempt < 2; attempt++) {
            for (int shard = driver.shards().count() - 1; shard >= 0; shard--) {
                ModelStaging task = ModelStaging.attach(fs, path("parallel"), config, DType.F32, driver.token());
                PlanApplier.assembleShard(
                        ModelFolder.open(fs, source.dir()).tensors(), plan, COLLAPSE, shard, alignments, task.writer());
            }
        }
        int touched = CONFIG.moeLayers()[0];
        assertThatThrownBy(() -> PlanApplier.assembleShard(
                        source.tensors(), plan, COLLAPSE, touched, alignments.subList(0, 1), driver.writer()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("was not aligned");
        ModelFolder published = driver.publish(expected.manifest().lineage(), Map.of());
        assertThat(published.manifestSha256()).isEqualTo(expected.manifestSha256());
    }

    @Test
    void aPlanForOtherWeightsIsRefusedAndNothingIsWritten() throws IOException {
        ModelFolder other = write("other", CONFIG, 2);
        assertThatThrownBy(() -> apply(plan(other, BuiltInMethods.UNCURL, 2), "pruned"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("manifest");
        Plan all = plan(source, BuiltInMethods.UNCURL, 2);
        evidence.remove(1);
        assertThatThrownBy(() -> apply(plan(source, BuiltInMethods.UNCURL, 2), "pruned"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("layers [1]");
        evidence = List.of(Samples.evidence(1, Samples.logits(new Random(1), 20, 4, 2), 4));
        assertThatThrownBy(() -> apply(plan(source, BuiltInMethods.UNCURL, 2), "pruned"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("E = 4");
        assertThat(folder.resolve("pruned")).doesNotExist();
        PlanApplier.check(source, all);
    }

    /** The tensors that follow from names are those of the configuration that follows from the plan. */
    @ParameterizedTest
    @EnumSource(names = {"UNCURL", "FREQUENCY"})
    void namesAndConfigurationGiveTheSameTensors(BuiltInMethods method) throws IOException {
        for (String rule : RouterRule.ids(method)) {
            Plan plan = plan(source, method, 4);
            var options = new MergeOptions(RouterRule.named(rule, method), true, DType.BF16);
            assertThat(PlanApplier.prunedTensors(source.tensors(), plan, options))
                    .containsExactlyInAnyOrderElementsOf(
                            Gpt2Architecture.of(PlanApplier.prunedConfig(CONFIG, plan, options), DType.BF16)
                                    .tensors());
        }
    }

    /** Each value rounded once more; from there on all is exact. */
    @ParameterizedTest
    @EnumSource(names = {"UNCURL", "FREQUENCY"})
    void aModelStoredAsBf16IsTheOneStoredAsF32WithEachValueRounded(BuiltInMethods method) throws IOException {
        Plan plan = plan(source, method, 3);
        ModelFolder wide = apply(plan, "wide");
        var options = new MergeOptions(plainRule(method).router(), true, DType.BF16);
        ModelFolder narrow = PlainPruning.apply(source, plan, options, fs, path("narrow"));
        narrow.verify();
        assertThat(narrow.dtype()).isEqualTo(DType.BF16);
        float[] expected = WeightArrays.array(wide.config(), wide);
        int rounded = 0;
        for (int i = 0; i < expected.length; i++) {
            float bf16 = DType.BF16.round(expected[i]);
            rounded += bf16 == expected[i] ? 0 : 1;
            expected[i] = bf16;
        }
        assertThat(rounded).isGreaterThan(expected.length / 2);
        assertThat(WeightArrays.array(narrow.config(), narrow)).containsExactly(expected);
        PlanCheck.Counts counts = check(new PlanCheck(source, plan, options, narrow));
        assertThat(counts.copied()).isZero();
        assertThat(counts.converted() + counts.merged() + counts.routers())
                .isEqualTo(narrow.layout().tensors().size());
        assertThatThrownBy(() -> new PlanCheck(source, plan, plainRule(method), narrow))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("torch_dtype bfloat16");

        evidence.replaceAll(layer -> Samples.complete(layer.layer(), 4, 3));
        Plan again = plan(narrow, method, 3);
        ModelFolder copy = PlainPruning.apply(narrow, again, options, fs, path("copy"));
        for (var file : narrow.manifest().files().keySet()) {
            assertThat(folder.resolve("copy").resolve(file))
                    .hasSameBinaryContentAs(folder.resolve("narrow").resolve(file));
        }
        ModelFolder widened = PlainPruning.apply(narrow, again, plainRule(method), fs, path("widened"));
        assertThat(WeightArrays.array(widened.config(), widened)).containsExactly(expected);
        assertThat(check(new PlanCheck(narrow, again, options, copy)).converted())
                .isZero();
        assertThat(check(new PlanCheck(narrow, again, plainRule(method), widened))
                        .copied())
                .isZero();
    }
}
