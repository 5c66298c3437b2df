package dev.uncurl.pruning;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.checkpoint.SafetensorsWriter;
import dev.uncurl.checkpoint.ShardWriter;
import dev.uncurl.checkpoint.ShardedTensors;
import dev.uncurl.checkpoint.TensorFolder;
import dev.uncurl.model.spec.DType;
import dev.uncurl.model.spec.NamedArchitecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/** Small synthetic folders with the tensor names of published families, which no engine of Uncurl computes with. */
final class NamedFolders {
    static final int LAYERS = 2;
    static final int E = 4;
    static final int D = 6;
    static final int F = 5;

    /** A family's names, written down a second time. */
    enum Family {
        MIXTRAL(NamedArchitecture.MIXTRAL, "block_sparse_moe", "w1", "w3", "w2", true),
        OLMOE(NamedArchitecture.OLMOE, "mlp", "gate_proj", "up_proj", "down_proj", false);

        final NamedArchitecture architecture;
        /** Whether the gates of the chosen experts are scaled to sum to one. */
        final boolean renormalizes;

        private final String block;
        private final List<String> parts;

        Family(
                NamedArchitecture architecture,
                String block,
                String gate,
                String up,
                String down,
                boolean renormalizes) {
            this.architecture = architecture;
            this.block = block;
            this.parts = List.of(gate, up, down);
            this.renormalizes = renormalizes;
        }

        String router(int layer) {
            return "model.layers." + layer + "." + block + ".gate.weight";
        }

        /** @param part 0: gate [F, D], 1: up [F, D], 2: down [D, F] */
        String expert(int layer, int expert, int part) {
            return "model.layers." + layer + "." + block + ".experts." + expert + "." + parts.get(part) + ".weight";
        }
    }

    private NamedFolders() {}

    private static List<Integer> shape(int part) {
        return part == 2 ? List.of(D, F) : List.of(F, D);
    }

    /** Random values of every tensor, each a value of {@code dtype}. */
    static Map<String, float[]> tensors(Family family, DType dtype, long seed) {
        var random = new Random(seed);
        var tensors = new LinkedHashMap<String, float[]>();
        tensors.put("lm_head.weight", values(random, dtype, 7 * D));
        tensors.put("model.embed_tokens.weight", values(random, dtype, 7 * D));
        for (int layer = 0; layer < LAYERS; layer++) {
            tensors.put("model.layers." + layer + ".input_layernorm.weight", values(random, dtype, D));
            tensors.put(family.router(layer), values(random, dtype, E * D));
            for (int expert = 0; expert < E; expert++) {
                for (int part = 0; part < 3; part++) {
                    tensors.put(family.expert(layer, expert, part), values(random, dtype, F * D));
                }
            }
            tensors.put("model.layers." + layer + ".self_attn.q_proj.weight", values(random, dtype, D * D));
        }
        tensors.put("model.norm.weight", values(random, dtype, D));
        return tensors;
    }

    private static float[] values(Random random, DType dtype, int length) {
        float[] values = Samples.floats(random, length, 0.8);
        for (int i = 0; i < length; i++) {
            values[i] = dtype.round(values[i]);
        }
        return values;
    }

    private static List<Integer> shape(String name, int length) {
        if (length == D) {
            return List.of(D);
        }
        if (name.endsWith(".w2.weight") || name.endsWith("down_proj.weight")) {
            return shape(2);
        }
        return List.of(length / D, D);
    }

    /** Writes the tensors in the order given into three files, cut without regard to layers, and an index. */
    static TensorFolder write(Path folder, Family family, DType dtype, Map<String, float[]> tensors)
            throws IOException {
        Files.createDirectories(folder);
        var names = new ArrayList<>(tensors.keySet());
        var index = new TreeMap<String, String>();
        for (int file = 0; file < 3; file++) {
            String name = "model-0000" + (file + 1) + "-of-00003.safetensors";
            List<String> part = names.subList(file * names.size() / 3, (file + 1) * names.size() / 3);
            var declarations = part.stream()
                    .map(tensor ->
                            new SafetensorsWriter.Declaration(tensor, shape(tensor, tensors.get(tensor).length), dtype))
                    .toList();
            try (var writer =
                    new SafetensorsWriter(Files.newOutputStream(folder.resolve(name)), declarations, Map.of())) {
                for (String tensor : part) {
                    writer.write(tensor, tensors.get(tensor), 0);
                    index.put(tensor, name);
                }
                writer.finish();
            }
        }
        Files.write(
                folder.resolve("model.safetensors.index.json"),
                new ObjectMapper().writeValueAsBytes(Map.of("weight_map", index)));
        return open(folder, family);
    }

    static TensorFolder open(Path folder, Family family) throws IOException {
        return TensorFolder.open(files(), hadoop(folder), family.architecture);
    }

    private static FileSystem files() throws IOException {
        return FileSystem.getLocal(new Configuration());
    }

    private static org.apache.hadoop.fs.Path hadoop(Path path) {
        return new org.apache.hadoop.fs.Path(path.toString());
    }

    /** Applies a plan by names alone. */
    static TensorFolder apply(TensorFolder source, Plan plan, MergeOptions options, Path folder, Family family)
            throws IOException {
        var sharded = new ShardedTensors(PlanApplier.prunedTensors(source, plan, options));
        Files.createDirectories(folder);
        var writer = new ShardWriter(files(), hadoop(folder), sharded);
        var alignments = new ArrayList<NeuronAlignment>();
        if (options.align()) {
            for (var merge : PlanApplier.merges(plan)) {
                alignments.add(NeuronAlignment.align(source, plan, merge));
            }
        }
        for (int shard = 0; shard < sharded.count(); shard++) {
            PlanApplier.assembleShard(source, plan, options, shard, alignments, writer);
        }
        writer.writeIndex();
        return open(folder, family);
    }

    /**
     * The output of a layer's mixture of experts for one token, by its definition, in double.
     *
     * @param expertOfRow the expert that each router row leads to; below 0 for a row that is never chosen
     */
    static double[] forward(TensorFolder model, Family family, int layer, int[] expertOfRow, double[] x)
            throws IOException {
        double[] logits = multiply(model.read(family.router(layer)), x);
        double total = 0;
        for (double logit : logits) {
            total += Math.exp(logit);
        }
        double[] out = new double[D];
        int[] chosen = topTwo(logits, expertOfRow);
        double mass = (Math.exp(logits[chosen[0]]) + Math.exp(logits[chosen[1]])) / total;
        for (int row : chosen) {
            double gate = Math.exp(logits[row]) / total / (family.renormalizes ? mass : 1);
            int expert = expertOfRow[row];
            double[] left = multiply(model.read(family.expert(layer, expert, 0)), x);
            double[] hidden = multiply(model.read(family.expert(layer, expert, 1)), x);
            for (int f = 0; f < F; f++) {
                hidden[f] *= left[f] / (1 + Math.exp(-left[f]));
            }
            double[] own = multiply(model.read(family.expert(layer, expert, 2)), hidden);
            for (int d = 0; d < D; d++) {
                out[d] += gate * own[d];
            }
        }
        return out;
    }

    /** The two rows of the highest logits among those that lead to an expert. */
    static int[] topTwo(double[] logits, int[] expertOfRow) {
        int[] best = {-1, -1};
        for (int row = 0; row < logits.length; row++) {
            if (expertOfRow[row] < 0) {
                continue;
            }
            if (best[0] < 0 || logits[row] > logits[best[0]]) {
                best[1] = best[0];
                best[0] = row;
            } else if (best[1] < 0 || logits[row] > logits[best[1]]) {
                best[1] = row;
            }
        }
        return best;
    }

    /** W x for W [out, in], row-major. */
    static double[] multiply(float[] matrix, double[] x) {
        double[] product = new double[matrix.length / x.length];
        for (int i = 0; i < product.length; i++) {
            for (int j = 0; j < x.length; j++) {
                product[i] += (double) matrix[i * x.length + j] * x[j];
            }
        }
        return product;
    }

    /** @param labels the cluster of each expert in every layer; below 0 it is dropped */
    static Plan plan(int[] labels, double... weights) {
        var rows = new ArrayList<ExpertAssignment>();
        int clusters = 0;
        for (int layer = 0; layer < LAYERS; layer++) {
            var seen = new java.util.HashSet<Integer>();
            for (int e = 0; e < E; e++) {
                boolean dropped = labels[e] < 0;
                boolean first = !dropped && seen.add(labels[e]);
                rows.add(new ExpertAssignment(
                        layer, e, dropped ? ExpertAssignment.DROPPED : labels[e], dropped ? 0 : weights[e], first));
                clusters = Math.max(clusters, labels[e] + 1);
            }
        }
        return new Plan(new Plan.Origin("m", "0".repeat(64), "task", "uncurl", E, clusters, 1, new TreeMap<>()), rows);
    }
}
