package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A small model with random weights, statistics of its layers, and plans that are applied to it. */
abstract class PlanApplierFixture {
    static final int E = 6;
    static final ModelConfig CONFIG = new ModelConfig(4, 6, 2, 10, 13, 8, new MoeConfig(E, 1, 2, false, 0.01, 0));

    static final MergeOptions COLLAPSE = new MergeOptions(RouterRule.COLLAPSE, true);

    /** The rule under which each method leaves a uniform model. */
    static MergeOptions plainRule(BuiltInMethods method) {
        return method.drops() ? new MergeOptions(RouterRule.SLICE, true) : COLLAPSE;
    }

    @TempDir
    java.nio.file.Path folder;

    FileSystem fs;
    ModelFolder source;
    List<LayerStatistics> evidence;

    @BeforeEach
    void model() throws IOException {
        fs = FileSystem.getLocal(new Configuration());
        source = write("source", CONFIG, 1);
        evidence = new ArrayList<>();
        for (int layer : CONFIG.moeLayers()) {
            LayerStatistics routed = Samples.evidence(layer, Samples.logits(new Random(layer), 80, E, 3), E);
            // any Gram matrix does for the experts' outputs
            evidence.add(new LayerStatistics(layer, routed.gram(), routed.statistics(), Optional.of(routed.gram())));
        }
    }

    Path path(String name) {
        return new Path(folder.resolve(name).toString());
    }

    ModelFolder write(String name, ModelConfig config, long seed) throws IOException {
        float[] parameters = Samples.floats(
                new Random(seed), (int) ParameterLayout.of(config).length(), 0.3);
        return ModelFolder.write(
                fs,
                path(name),
                config,
                WeightArrays.of(config, parameters),
                Lineage.here(null, "pretrain", Map.of(), "test", "none"));
    }

    Plan plan(ModelFolder model, BuiltInMethods method, int keep) {
        return Planner.plan("m", model.manifestSha256(), "task", PlanSettings.of(method, keep, 3), evidence, Map.of());
    }

    ModelFolder apply(Plan plan, String name) throws IOException {
        BuiltInMethods method = BuiltInMethods.named(plan.origin().method());
        return PlainPruning.apply(source, plan, plainRule(method), fs, path(name));
    }

    static float[] tensor(ModelFolder model, String name) throws IOException {
        float[] values = new float[(int) model.layout().tensor(name).length()];
        model.read(name, values, 0);
        return values;
    }

    static PlanCheck.Counts check(PlanCheck check) throws IOException {
        var counts = PlanCheck.Counts.NONE;
        for (int shard = 0; shard < check.shards(); shard++) {
            counts = counts.plus(check.check(shard));
        }
        return counts;
    }
}
