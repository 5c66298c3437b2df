package dev.uncurl.dl4j;

import dev.uncurl.error.UserError;
import dev.uncurl.model.BackwardProgress;
import dev.uncurl.model.Loss;
import dev.uncurl.model.Peers;
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
import java.util.stream.IntStream;

/**
 * Divides the batch of a rank into one micro-batch for each micro-step, so that the model needs an arena for one micro-batch
 * only. Losses and gradients are averaged over the micro-steps, weighted by the numbers of tokens that all ranks predict in
 * them. The cross-entropy and its gradient are therefore means over all predicted tokens of the step, as in one pass. Balance
 * loss, z-loss and the capacity of experts depend on the tokens that are routed together: those of all ranks in a micro-step;
 * the losses are averaged with the same weights.
 */
final class MicroBatches {
    private final List<TokenBatch> parts = new ArrayList<>();
    private final Peers peers;
    /** [S] tokens that all ranks predict in each micro-step. */
    private final int[] predicted;

    private final double[] weights;

    /**
     * @param batch the sequences of this rank
     * @param rows [S] how many of them belong to each micro-step; a rank without any computes one row of padding, so that the
     *     others do not wait for it
     * @param peers all ranks of the step
     */
    MicroBatches(TokenBatch batch, int[] rows, Peers peers) {
        this.peers = peers;
        if (Arrays.stream(rows).sum() != batch.rows()) {
            throw new IllegalArgumentException(batch.rows() + " sequences for micro-steps of " + Arrays.toString(rows));
        }
        int from = 0;
        for (int count : rows) {
            parts.add(count == batch.rows() ? batch : count == 0 ? padding(batch.columns()) : rows(batch, from, count));
            from += count;
        }
        double[][] ofRanks =
                peers.gather(parts.stream().mapToDouble(TokenBatch::predicted).toArray());
        predicted = IntStream.range(0, rows.length)
                .map(part -> (int)
                        Arrays.stream(ofRanks).mapToDouble(rank -> rank[part]).sum())
                .toArray();
        double all = Arrays.stream(predicted).sum();
        weights = Arrays.stream(predicted)
                .mapToDouble(part -> all == 0 ? 1.0 / rows.length : part / all)
                .toArray();
    }

    private static TokenBatch padding(int columns) {
        int[] none = new int[columns];
        Arrays.fill(none, TokenBatch.NONE);
        return new TokenBatch(none, none, 1, columns);
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

    /** Number of micro-steps. */
    int steps() {
        return parts.size();
    }

    /** Positions of the largest micro-batch, with padding. */
    int positions() {
        return parts.stream().mapToInt(TokenBatch::size).max().orElseThrow();
    }

    /**
     * Result of a batch.
     *
     * @param loss its cross-entropy is this rank's part of the mean, its balance loss and z-loss are those of all ranks
     * @param routing by MoE block, of this rank's tokens
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
     * Where the gradient of a batch goes.
     *
     * @param blocks their places in it; used only if there are several micro-batches
     */
    record Gradients(GradientSums sums, Supplier<BlockRanges> blocks) {}

    /**
     * Runs the batch forward and backward. If the model has diverged and its router logits are not finite, loss and gradients
     * are NaN.
     *
     * @param progress learns which gradients of the batch are final; in a model that has diverged it may learn nothing
     */
    Outcome forwardBackward(SmoeLanguageModel model, Gradients gradients, BackwardProgress progress) {
        try {
            return run(model, part -> forwardBackward(part, model, gradients, progress));
        } catch (UserError e) {
            if (e.kind() != UserError.Kind.INPUT) {
                throw e;
            }
            gradients.sums().setNaN();
            return diverged(model.config(), e.getMessage());
        }
    }

    private Loss forwardBackward(int part, SmoeLanguageModel model, Gradients gradients, BackwardProgress progress) {
        TokenBatch batch = parts.get(part);
        if (parts.size() == 1) {
            return model.forwardBackward(batch, predicted[part], peers, progress);
        }
        double weight = weights[part];
        if (part + 1 < parts.size()) {
            Loss loss = model.forwardBackward(batch, predicted[part], peers, BackwardProgress.NONE);
            gradients.sums().add(weight, part == 0);
            return loss;
        }
        BlockRanges blocks = gradients.blocks().get();
        Loss loss = model.forwardBackward(batch, predicted[part], peers, layer -> {
            blocks.of(layer).forEach(range -> gradients.sums().complete(range, weight));
            progress.done(layer);
        });
        gradients.sums().complete(blocks.embeddings(), weight);
        return loss;
    }

    private Outcome diverged(ModelConfig config, String fault) {
        var routing = new TreeMap<Integer, Routing>();
        for (int layer : config.moeLayers()) {
            int rows = config.moe().layer(layer).routerRows();
            routing.put(layer, new Routing(new int[rows], 0));
        }
        int own = parts.stream().mapToInt(TokenBatch::predicted).sum();
        return new Outcome(new Loss(Double.NaN, own, Double.NaN, Double.NaN, Double.NaN), routing, fault);
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
        int own = 0;
        for (int part = 0; part < parts.size(); part++) {
            Loss loss = pass.of(part);
            crossEntropy += weights[part] * loss.crossEntropy();
            balance += weights[part] * loss.balance();
            z += weights[part] * loss.z();
            total += weights[part] * loss.total();
            own += loss.predicted();
            for (int layer : model.config().moeLayers()) {
                var routed = new Routing(
                        model.expertTokens(layer), model.routing(layer).droppedAssignments());
                routing.merge(layer, routed, MicroBatches::sum);
            }
        }
        return new Outcome(new Loss(crossEntropy, own, balance, z, total), routing, null);
    }
}
