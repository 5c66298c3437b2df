package dev.uncurl.model;

import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The decoder once more, from its formulas, in double precision and token by token: shares nothing with the model but
 * the layout of the parameters.
 */
final class NaiveModel {
    private final ModelConfig config;
    private final double[] parameters;
    private final ParameterLayout layout;
    /** Of the last forward pass: log p(target) by position. */
    final double[] logProbabilities;

    private final boolean training;
    /** By layer [E, D]: the sums over the batch of every expert's output, filled when it is not null. */
    Map<Integer, double[][]> outputSums;

    double balance;
    double z;
    int dropped;

    /** @param training whether experts have a capacity, if the configuration says so */
    NaiveModel(ModelConfig config, double[] parameters, int size, boolean training) {
        this.config = config;
        this.parameters = parameters;
        this.training = training;
        layout = ParameterLayout.of(config);
        logProbabilities = new double[size];
    }

    private double at(String name, int row, int column) {
        var tensor = layout.tensor(name);
        int columns = tensor.shape().get(tensor.shape().size() - 1);
        return parameters[(int) tensor.offset() + row * columns + column];
    }

    private double[] linear(double[] x, String prefix, int outputs) {
        var y = new double[outputs];
        for (int j = 0; j < outputs; j++) {
            y[j] = at(prefix + ".bias", 0, j);
            for (int i = 0; i < x.length; i++) {
                y[j] += x[i] * at(prefix + ".weight", i, j);
            }
        }
        return y;
    }

    private double[] norm(double[] x, String prefix) {
        double mean = IntStream.range(0, x.length).mapToDouble(i -> x[i]).sum() / x.length;
        double variance = IntStream.range(0, x.length)
                        .mapToDouble(i -> (x[i] - mean) * (x[i] - mean))
                        .sum()
                / x.length;
        var y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (x[i] - mean) / Math.sqrt(variance + 1e-5) * at(prefix + ".weight", 0, i)
                    + at(prefix + ".bias", 0, i);
        }
        return y;
    }

    private static double[] softmax(double[] x) {
        double sum =
                IntStream.range(0, x.length).mapToDouble(i -> Math.exp(x[i])).sum();
        return IntStream.range(0, x.length)
                .mapToDouble(i -> Math.exp(x[i]) / sum)
                .toArray();
    }

    private double[] feedForward(double[] x, String prefix) {
        double[] hidden = linear(x, prefix + "c_fc", config.feedForward());
        for (int i = 0; i < hidden.length; i++) {
            double u = hidden[i];
            hidden[i] = 0.5 * u * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (u + 0.044715 * u * u * u)));
        }
        return linear(hidden, prefix + "c_proj", x.length);
    }

    /** Total loss of the batch. */
    double loss(TokenBatch batch) {
        var stream = new double[batch.size()][config.width()];
        for (int n = 0; n < batch.size(); n++) {
            for (int i = 0; i < config.width() && batch.tokens()[n] >= 0; i++) {
                stream[n][i] = at("wte.weight", batch.tokens()[n], i) + at("wpe.weight", n % batch.columns(), i);
            }
        }
        balance = 0;
        z = 0;
        dropped = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            attend(batch, stream, ParameterLayout.block(layer));
            if (config.isMoe(layer)) {
                mix(batch, stream, layer);
            } else {
                for (double[] x : stream) {
                    add(x, 1, feedForward(norm(x, ParameterLayout.block(layer) + "ln_2"), "h." + layer + ".mlp."));
                }
            }
        }
        double sum = 0;
        for (int n = 0; n < batch.size(); n++) {
            if (batch.targets()[n] >= 0) {
                double[] x = norm(stream[n], "ln_f");
                double[] logits = new double[config.vocabulary()];
                for (int v = 0; v < logits.length; v++) {
                    for (int i = 0; i < x.length; i++) {
                        logits[v] += x[i] * at("wte.weight", v, i);
                    }
                }
                logProbabilities[n] = Math.log(softmax(logits)[batch.targets()[n]]);
                sum -= logProbabilities[n];
            }
        }
        return sum / Math.max(1, batch.predicted())
                + config.moe().balanceLoss() * balance
                + config.moe().zLoss() * z;
    }

    private static void add(double[] x, double scale, double[] y) {
        for (int i = 0; i < x.length; i++) {
            x[i] += scale * y[i];
        }
    }

    private void attend(TokenBatch batch, double[][] stream, String block) {
        int width = config.width();
        int size = width / config.heads();
        var qkv = new double[batch.size()][];
        for (int n = 0; n < batch.size(); n++) {
            qkv[n] = linear(norm(stream[n], block + "ln_1"), block + "attn.c_attn", 3 * width);
        }
        for (int n = 0; n < batch.size(); n++) {
            int begin = n / batch.columns() * batch.columns();
            var heads = new double[width];
            for (int head = 0; head < config.heads(); head++) {
                var scores = new double[n - begin + 1];
                for (int m = begin; m <= n; m++) {
                    for (int i = head * size; i < (head + 1) * size; i++) {
                        scores[m - begin] += qkv[n][i] * qkv[m][width + i] / Math.sqrt(size);
                    }
                }
                double[] p = softmax(scores);
                for (int m = begin; m <= n; m++) {
                    for (int i = head * size; i < (head + 1) * size; i++) {
                        heads[i] += p[m - begin] * qkv[m][2 * width + i];
                    }
                }
            }
            add(stream[n], 1, linear(heads, block + "attn.c_proj", width));
        }
    }

    private void mix(TokenBatch batch, double[][] stream, int layer) {
        var moe = config.moe();
        int[] expertOfRow = moe.layer(layer).expertOfRow();
        int rows = expertOfRow.length;
        int[] live =
                IntStream.range(0, rows).filter(row -> expertOfRow[row] >= 0).toArray();
        int[] choosable =
                IntStream.range(0, rows).filter(row -> expertOfRow[row] != -1).toArray();
        int choices = Math.min(moe.topK(), choosable.length);
        int liveChoices = 0;
        var share = new double[rows];
        var mean = new double[rows];
        int tokens =
                (int) IntStream.of(batch.tokens()).filter(token -> token >= 0).count();
        var assignments = new ArrayList<Assignment>();
        for (int n = 0; n < batch.size(); n++) {
            if (batch.tokens()[n] < 0) {
                continue;
            }
            double[] x = norm(stream[n], ParameterLayout.block(layer) + "ln_2");
            double[] logits = new double[rows];
            for (int e = 0; e < logits.length; e++) {
                for (int i = 0; i < x.length; i++) {
                    logits[e] += x[i] * at(ParameterLayout.router(layer), e, i);
                }
            }
            double[] p = softmax(logits);
            int[] best = IntStream.of(choosable)
                    .boxed()
                    .sorted((a, b) -> p[a] != p[b] ? Double.compare(p[b], p[a]) : a - b)
                    .mapToInt(Integer::intValue)
                    .limit(choices)
                    .toArray();
            double mass = IntStream.of(best).mapToDouble(e -> p[e]).sum();
            var ofToken = new LinkedHashMap<Integer, Assignment>();
            for (int rank = 0; rank < best.length; rank++) {
                double p0 = p[best[rank]];
                double gate = moe.renormalize() && moe.topK() > 1 ? p0 / mass : p0;
                int expert = expertOfRow[best[rank]];
                if (expert >= 0) {
                    ofToken.merge(expert, new Assignment(n, rank, expert, gate, 1, x), Assignment::plus);
                    share[best[rank]]++;
                    liveChoices++;
                }
            }
            assignments.addAll(ofToken.values());
            for (int row = 0; row < rows && outputSums != null; row++) {
                outputSums.computeIfAbsent(layer, l -> new double[rows][config.width()]);
                if (expertOfRow[row] >= 0) {
                    String expert = ParameterLayout.expert(layer, expertOfRow[row]);
                    add(outputSums.get(layer)[row], 1, feedForward(x, expert));
                }
            }
            double liveMass = IntStream.of(live).mapToDouble(row -> p[row]).sum();
            add(mean, 1.0 / tokens / liveMass, p);
            double logSumExp = Math.log(IntStream.range(0, p.length)
                    .mapToDouble(e -> Math.exp(logits[e]))
                    .sum());
            z += logSumExp * logSumExp / tokens;
        }
        for (int row = 0; row < rows; row++) {
            balance += live.length * share[row] / Math.max(1, liveChoices) * mean[row];
        }
        for (Assignment kept : kept(assignments, tokens, layer)) {
            add(stream[kept.token], kept.gate, feedForward(kept.x, ParameterLayout.expert(layer, kept.expert)));
        }
    }

    /** A token's choices that lead to one expert; the best of them is the {@code rank}-th of the token. */
    private record Assignment(int token, int rank, int expert, double gate, int choices, double[] x) {
        Assignment plus(Assignment worse) {
            return new Assignment(token, rank, expert, gate + worse.gate, choices + worse.choices, x);
        }
    }

    /** Each expert's first ones, lower ranks before higher ones, then in the order of the batch. */
    private List<Assignment> kept(List<Assignment> assignments, int tokens, int layer) {
        var moe = config.moe();
        if (!training || moe.capacityFactor() == 0) {
            return assignments;
        }
        int experts = moe.layer(layer).experts();
        long choosable = IntStream.of(moe.layer(layer).expertOfRow())
                .filter(expert -> expert != -1)
                .count();
        long choices = Math.min(moe.topK(), choosable);
        double capacity = Math.ceil(moe.capacityFactor() * choices * tokens / experts - 1e-9);
        var kept = new ArrayList<Assignment>();
        for (int e = 0; e < experts; e++) {
            int expert = e;
            assignments.stream()
                    .filter(a -> a.expert == expert)
                    .sorted(Comparator.comparingInt(Assignment::rank).thenComparingInt(Assignment::token))
                    .limit((long) capacity)
                    .forEach(kept::add);
        }
        dropped += choices(assignments) - choices(kept);
        return kept;
    }

    private static int choices(List<Assignment> assignments) {
        return assignments.stream().mapToInt(Assignment::choices).sum();
    }
}
