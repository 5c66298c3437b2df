package dev.uncurl.pruning;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.nd4j.linalg.factory.Nd4j;

/** Small models of six experts in two layers, pruned by given labels, in a folder. */
final class PrunedModels {
    static final int E = 6;
    static final int VOCABULARY = 13;

    private final java.nio.file.Path folder;
    private final FileSystem fs;

    PrunedModels(java.nio.file.Path folder) throws IOException {
        this.folder = folder;
        fs = FileSystem.getLocal(new Configuration());
    }

    static ModelConfig config(int topK, boolean renormalize) {
        return new ModelConfig(4, 6, 2, 10, VOCABULARY, 8, new MoeConfig(E, topK, 2, renormalize, 0.01, 0));
    }

    static float[] parameters(ModelConfig config, long seed) {
        return Samples.floats(new Random(seed), (int) ParameterLayout.of(config).length(), 0.3);
    }

    ModelFolder write(String name, ModelConfig config, float[] parameters) throws IOException {
        var lineage = Lineage.here(null, "pretrain", Map.of(), "test", "none");
        return ModelFolder.write(fs, path(name), config, WeightArrays.of(config, parameters), lineage);
    }

    private Path path(String name) {
        return new Path(folder.resolve(name).toString());
    }

    /** @param labels by layer the cluster of each expert; below 0 it is dropped */
    static Plan plan(ModelFolder source, Map<Integer, int[]> labels) {
        var rows = new ArrayList<ExpertAssignment>();
        for (var layer : new TreeMap<>(labels).entrySet()) {
            int[] clusters = layer.getValue();
            for (int e = 0; e < E; e++) {
                int cluster = clusters[e];
                long members = Arrays.stream(clusters).filter(c -> c == cluster).count();
                boolean first = IntStream.range(0, e).noneMatch(before -> clusters[before] == cluster);
                rows.add(
                        cluster < 0
                                ? new ExpertAssignment(layer.getKey(), e, ExpertAssignment.DROPPED, 0, false)
                                : new ExpertAssignment(layer.getKey(), e, cluster, 1.0 / members, first));
            }
        }
        int most = rows.stream().mapToInt(ExpertAssignment::cluster).max().orElseThrow() + 1;
        return new Plan(
                new Plan.Origin("m", source.manifestSha256(), "task", "uncurl", E, most, 1, new TreeMap<>()), rows);
    }

    ModelFolder apply(ModelFolder source, Plan plan, MergeOptions options, String name) throws IOException {
        return PlainPruning.apply(source, plan, options, fs, path(name));
    }

    static float[] tensor(ModelFolder model, String name) throws IOException {
        float[] values = new float[(int) model.layout().tensor(name).length()];
        model.read(name, values, 0);
        return values;
    }

    /** log p of every token of the vocabulary at every position but the last: the logits, but for a constant. */
    static float[][] logits(ModelFolder model) throws IOException {
        int[] tokens = new Random(5).ints(40, 0, VOCABULARY).toArray();
        var logits = new float[VOCABULARY][];
        var values = Nd4j.createFromArray(WeightArrays.array(model.config(), model));
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
}
