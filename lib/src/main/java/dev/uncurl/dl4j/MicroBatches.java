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
 * Divides a batch into micro-batches, so that the model needs an arena for one micro-batch only. Losses and gradients are
 * averaged over the micro-batches, weighted by their numbers of predicted tokens. The cross-entropy and its gradient are
 * therefore means over all predicted tokens of the batch, as in one pass. Balance loss, z-loss and the capacity of experts
 * depend on the tokens that are routed together: they are those of each micro-batch; the losses are averaged with the same
 * weights.
 */
final class MicroBatches {
    private final List<TokenBatch> parts = new ArrayList<>();
    private final double[] weights;

    /** @param rows sequences per micro-batch, of which the last one may have fewer; 0: one micro-batch with all sequences */
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

    /** Positions of the largest micro-batch, with padding. */
    int positions() {
        return parts.get(0).size();
    }

    /**
     * Result of a batch.
     *
     * @param routing by MoE block
     * @param fault why the loss is NaN; null if it is not
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
     * Runs the batch forward and backward. If the model has diverged and its router logits are not finite, loss and gradients
     * are NaN.
     *
     * @param gradients the gradient array of the model; receives the gradient of the batch
     * @param sum an array of the same length; used only if there are several micro-batches
     */
    Outcome forwardBackward(SmoeLanguageModel model, INDArray gradients, Supplier<INDArray> sum) {
        try {
            return run(model, part -> forwardBackward(part, model, gradients, sum));
        } catch (UserError e) {
            if (e.kind() != UserError.Kind.INPUT) {
                throw e;
            }
            gradients.assign(Double.NaN);
            return diverged(model.config(), e.getMessage());
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
