package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.statistics.McNemar;
import dev.uncurl.statistics.PairedSample;
import java.util.Arrays;
import java.util.List;

/**
 * One metric of several models on the same examples.
 *
 * @param models in the order of the sample
 * @param n examples of an accuracy, questions of an exact match, tokens of a loss, as in evaluation.results
 * @param right whether each model is right, models x n; null for a loss
 */
record MetricSample(ComparedMetric metric, List<Answers> models, PairedSample sample, long n, boolean[][] right) {

    /** @param models answers to the same examples */
    static MetricSample of(Warehouse warehouse, ComparedMetric metric, List<Answers> models) {
        Answers any = models.get(0);
        return switch (metric) {
            case ACC, ACC_NORM, ACC_BYTES, ACC_TOKENS -> ofAnswers(
                    metric,
                    models,
                    any.ids(),
                    any.clusters(),
                    models.stream()
                            .map(model -> right(model.predictions(metric), model.labels()))
                            .toArray(boolean[][]::new));
            case EM -> {
                var set = any.of();
                var questions = QuestionUnits.of(Questions.of(warehouse, set.task(), set.split()), any.ids());
                yield ofAnswers(
                        metric,
                        models,
                        Arrays.stream(questions.first())
                                .mapToLong(i -> any.ids()[i])
                                .toArray(),
                        Arrays.stream(questions.first())
                                .mapToObj(i -> any.clusters()[i])
                                .toArray(String[]::new),
                        models.stream()
                                .map(model -> questions.right(model.predictions(metric)))
                                .toArray(boolean[][]::new));
            }
            case LOSS -> ofLosses(
                    metric,
                    models,
                    any.textTokens(),
                    models.stream().map(Answers::textLoss).toArray(double[][]::new));
            case TARGET_LOSS -> ofLosses(
                    metric,
                    models,
                    any.targetTokens(),
                    models.stream().map(Answers::targetLoss).toArray(double[][]::new));
        };
    }

    private static MetricSample ofAnswers(
            ComparedMetric metric, List<Answers> models, long[] ids, String[] clusters, boolean[][] right) {
        double[] ones = new double[ids.length];
        Arrays.fill(ones, 1);
        double[][] values = new double[right.length][ids.length];
        for (int m = 0; m < right.length; m++) {
            for (int i = 0; i < ids.length; i++) {
                values[m][i] = right[m][i] ? 1 : 0;
            }
        }
        return new MetricSample(metric, models, PairedSample.of(ids, clusters, ones, values), ids.length, right);
    }

    private static MetricSample ofLosses(
            ComparedMetric metric, List<Answers> models, double[] tokens, double[][] losses) {
        Answers any = models.get(0);
        var sample = PairedSample.of(any.ids(), any.clusters(), tokens, losses);
        return new MetricSample(
                metric, models, sample, (long) Arrays.stream(tokens).sum(), null);
    }

    private static boolean[] right(int[] predictions, int[] labels) {
        boolean[] right = new boolean[labels.length];
        for (int i = 0; i < right.length; i++) {
            right[i] = predictions[i] == labels[i];
        }
        return right;
    }

    /** Counts where exactly one of two models is right. */
    McNemar discordant(int model, int baseline) {
        int better = 0;
        int worse = 0;
        for (int i = 0; i < right[model].length; i++) {
            better += right[model][i] && !right[baseline][i] ? 1 : 0;
            worse += !right[model][i] && right[baseline][i] ? 1 : 0;
        }
        return new McNemar(better, worse);
    }

    /** Share of the examples whose label is the most frequent one. */
    double majority() {
        int[] labels = models.get(0).labels();
        long[] counts = new long[Arrays.stream(labels).max().orElse(0) + 1];
        Arrays.stream(labels).forEach(label -> counts[label]++);
        return Arrays.stream(counts).max().orElse(0) / (double) labels.length;
    }

    /** Whether a model gives all examples the same answer. */
    boolean isConstant(int model) {
        return Arrays.stream(models.get(model).predictions(metric)).distinct().count() == 1;
    }
}
