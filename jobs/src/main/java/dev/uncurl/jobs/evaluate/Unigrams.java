package dev.uncurl.jobs.evaluate;

import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.evaluation.Unigram;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.Sequences;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import scala.Tuple2;

/**
 * The losses of the unigram model of the training split on each sequence, on exactly the tokens that a model predicts.
 * Executors count and score tokens; the driver gets the counts, and a loss and a length per sequence.
 */
final class Unigrams {
    /** Loss of one sequence in nats, summed over its predicted tokens. */
    private record Loss(long id, double loss, int tokens) implements Serializable {}

    private final long[] ids;
    private final double[] losses;
    private final int[] tokens;

    private Unigrams(List<Loss> sorted) {
        ids = sorted.stream().mapToLong(Loss::id).toArray();
        losses = sorted.stream().mapToDouble(Loss::loss).toArray();
        tokens = sorted.stream().mapToInt(Loss::tokens).toArray();
    }

    /** Empty if the corpora have no training split. */
    static Optional<Unigrams> of(Warehouse warehouse, ScoringInputs inputs, RDD<Tuple2<Long, ScoringItem>> examples) {
        long[] counts = new long[inputs.runs().get(0).vocabulary()];
        List<Row> training = ScoringInputs.sequences(warehouse, inputs.names(), "train")
                .select(functions.explode(functions.col("target_tokens")).as("token"))
                .groupBy("token")
                .count()
                .collectAsList();
        if (training.isEmpty()) {
            return Optional.empty();
        }
        training.forEach(row -> counts[row.getInt(0)] = row.getLong(1));
        int context = inputs.context();
        var losses = new ArrayList<>(examples.toJavaRDD()
                .mapPartitions(items -> losses(items, counts, context))
                .collect());
        losses.sort(Comparator.comparingLong(Loss::id));
        return Optional.of(new Unigrams(losses));
    }

    private static Iterator<Loss> losses(Iterator<Tuple2<Long, ScoringItem>> items, long[] counts, int context) {
        var model = new Unigram(counts);
        var losses = new ArrayList<Loss>();
        items.forEachRemaining(item -> {
            int[] sequence = Sequences.fit(new int[0], item._2().target(), ExampleScorer.longest(context));
            losses.add(new Loss(item._1(), model.loss(sequence), Math.max(0, sequence.length - 1)));
        });
        return losses.iterator();
    }

    /**
     * The loss per token on these sequences.
     *
     * @throws IllegalStateException if a model was scored on other tokens
     */
    Metric on(ScoredColumns scored) {
        double[] loss = new double[scored.rows()];
        int[] predicted = new int[loss.length];
        for (int row = 0; row < loss.length; row++) {
            int at = Arrays.binarySearch(ids, scored.ids[row]);
            if (at < 0) {
                throw new IllegalStateException("The unigram model has no loss of sequence " + scored.ids[row]);
            }
            loss[row] = losses[at];
            predicted[row] = tokens[at];
        }
        if (!Arrays.equals(predicted, scored.textTokens)) {
            throw new IllegalStateException("The unigram model and the model were scored on different tokens");
        }
        return Metric.lossPerToken("unigram_loss_per_token", loss, predicted);
    }
}
