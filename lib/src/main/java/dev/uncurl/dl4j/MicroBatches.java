package dev.uncurl.dl4j;

import dev.uncurl.error.UserError;
import dev.uncurl.model.Loss;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep.Routing;
import dev.uncurl.model.spec.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A batch that passes through the model some sequences at a time, so that the model's arena is that of a part. Losses
 * and gradients of the parts are averaged with their predicted tokens as weights. So the cross-entropy and its gradient
 * are means over all predicted tokens of the batch, as in one pass. What depends on which tokens are routed together is
 * that of each part: balance loss and z-loss, averaged with the same weights, and the capacity of the experts.
 */
final class MicroBatches {
    private final List<TokenBatch> parts = new ArrayList<>();
    private final double[] weights;

    /** @param rows sequences of a part, the last one may have fewer; 0 for all in one */
    MicroBatches(TokenBatch batch, int rows) {
        int step = rows == 0 ? batch.rows() : rows;
        for (int from = 0; from < batch.rows(); from += step) {
            parts.add(step >= batch.rows() ? batch : rows(batch, from, Math.min(step, batch.rows() - from)));
        }
        double predicted = batch.predicted();
        weights = parts.stream()
                .mapToDouble(part -> predicted == 0 ? 1.0 / parts.size() : part.predicted() / predicted)
                .toArray();
    }

    private static TokenBatch rows(TokenBatch batch, int from, int count) {
        int begin = from * batch.columns();
        int end = begin + count * batch.columns();
        return new TokenBatch(
                Arrays.copyOfRange(batch.tokens(), begin, end),
                Arrays.copyOfRange(batch.targets(), begin, end),
                count,
                batch.columns());
    }

    /** Positions of the largest part, padding included. */
    int positions() {
        return parts.get(0).size();
    }

    /**
     * What a batch gave.
     *
     * @param routing by block with experts
     * @param fault why there are no numbers; null when there are
     */
    record Outcome(Loss loss, SortedMap<Integer, Routing> routing, String fault) {}

    private static Routing sum(Routing one, Routing next) {
        int[] both = one.tokens().clone();
        Arrays.setAll(both, expert -> one.tokens()[expert] + next.tokens()[expert]);
        return new Routing(both, one.dropped() + next.dropped());
    }

    Outcome forward(SmoeLanguageModel model) {
        return run(model, part -> model.forward(parts.get(part)));
    }

    /**
     * Forward and backward. A model that has diverged so far that it cannot route gives what arithmetic would give: a
     * loss and gradients that are no numbers.
     *
     * @param gradients the model's own, in the end those of the batch
     * @param sum as long; asked for only when the batch has several parts
     */
    Outcome forwardBackward(SmoeLanguageModel model, INDArray gradients, Supplier<INDArray> sum) {
        try {
            return run(model, part -> forwardBackward(part, model, gradients, sum));
        } catch (UserError noNumber) {
            if (noNumber.kind() != UserError.Kind.INPUT) {
                throw noNumber;
            }
            gradients.assign(Double.NaN);
            return diverged(model.config(), noNumber.getMessage());
        }
    }

    private Loss forwardBackward(int part, SmoeLanguageModel model, INDArray gradients, Supplier<INDArray> sum) {
        Loss loss = model.forwardBackward(parts.get(part));
        if (parts.size() > 1) {
            gradients.muli(weights[part]);
            if (part == 0) {
                sum.get().assign(gradients);
            } else if (part + 1 < parts.size()) {
                sum.get().addi(gradients);
            } else {
                gradients.addi(sum.get());
            }
        }
        return loss;
    }

    private Outcome diverged(ModelConfig config, String fault) {
        var routing = new TreeMap<Integer, Routing>();
        for (int layer : config.moeLayers()) {
            int rows = config.moe().layer(layer).routerRows();
            routing.put(layer, new Routing(new int[rows], 0));
        }
        int predicted = parts.stream().mapToInt(TokenBatch::predicted).sum();
        return new Outcome(new Loss(Double.NaN, predicted, Double.NaN, Double.NaN, Double.NaN), routing, fault);
    }

    @FunctionalInterface
    private interface Pass {
        Loss of(int part);
    }

    private Outcome run(SmoeLanguageModel model, Pass pass) {
        var routing = new TreeMap<Integer, Routing>();
        double crossEntropy = 0;
        double balance = 0;
        double z = 0;
        double total = 0;
        int predicted = 0;
        for (int part = 0; part < parts.size(); part++) {
            Loss loss = pass.of(part);
            crossEntropy += weights[part] * loss.crossEntropy();
            balance += weights[part] * loss.balance();
            z += weights[part] * loss.z();
            total += weights[part] * loss.total();
            predicted += loss.predicted();
            for (int layer : model.config().moeLayers()) {
                var routed = new Routing(
                        model.expertTokens(layer), model.routing(layer).droppedAssignments());
                routing.merge(layer, routed, MicroBatches::sum);
            }
        }
        return new Outcome(new Loss(crossEntropy, predicted, balance, z, total), routing, null);
    }
}
