package dev.uncurl.corpus;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;

/**
 * FLAN's mixing. Named sources (CoT, Flan2021, NIv2) are mixed with given weights. Within a source, tasks are taken in
 * proportion to their numbers of examples, and each number counts up to a cap (examples-proportional mixing with a
 * maximum, Raffel et al. 2020, section 3.5.2; Longpre et al. 2023). No example is taken twice, so the result is the
 * largest mixture that the weights allow.
 *
 * @param weights by source, above 0; they need not sum to 1
 * @param taskCap largest number of examples for which a task counts
 * @param seed of the choice of examples
 */
public record Mixture(Map<String, Double> weights, long taskCap, long seed) {
    public Mixture {
        weights = new TreeMap<>(weights);
        if (weights.isEmpty() || taskCap < 1) {
            throw UserError.usage(
                    "a mixture of " + weights.size() + " sources with task cap " + taskCap + " is empty",
                    "Name a source and set the cap to 1 or more.");
        }
        weights.forEach((source, weight) -> {
            if (!(weight > 0) || weight.isInfinite()) {
                throw UserError.usage("weight of " + source + " = " + weight + " is not possible", "Set it above 0.");
            }
        });
    }

    /**
     * Computes how many examples of each task to take.
     *
     * @param examples available examples, by source and task
     * @return examples to take, with the same keys; fractions are rounded by the largest-remainder method
     * @throws UserError (usage) if a source has no weight, or a weight belongs to a source without examples
     */
    public Map<String, Map<String, Long>> take(Map<String, Map<String, Long>> examples) {
        for (String source : examples.keySet()) {
            if (!weights.containsKey(source)) {
                throw UserError.usage("source '" + source + "' has no weight", Nearest.hint(source, weights.keySet()));
            }
        }
        double sum = weights.values().stream().mapToDouble(Double::doubleValue).sum();
        double total = Double.MAX_VALUE;
        for (var weight : weights.entrySet()) {
            long capped = examples.getOrDefault(weight.getKey(), Map.of()).values().stream()
                    .mapToLong(this::capped)
                    .sum();
            if (capped == 0) {
                throw UserError.usage(
                        "source '" + weight.getKey() + "' of the mixture has no examples",
                        "Leave out its weight, or name its files.");
            }
            total = Math.min(total, capped / (weight.getValue() / sum));
        }
        var taken = new TreeMap<String, Map<String, Long>>();
        for (var source : examples.entrySet()) {
            // 1e-6 corrects rounding: the source that limits the total is taken completely
            long wanted = (long) Math.floor(total * (weights.get(source.getKey()) / sum) + 1e-6);
            taken.put(source.getKey(), spread(wanted, source.getValue()));
        }
        return taken;
    }

    private long capped(long examples) {
        return Math.min(examples, taskCap);
    }

    /**
     * Divides a number in proportion to the capped counts: rounds down, then gives the rest to the largest remainders.
     */
    private Map<String, Long> spread(long wanted, Map<String, Long> tasks) {
        long capped = tasks.values().stream().mapToLong(this::capped).sum();
        long all = Math.min(wanted, capped);
        var taken = new TreeMap<String, Long>();
        var remainders = new TreeMap<String, Double>();
        long left = all;
        for (var task : tasks.entrySet()) {
            double share = capped == 0 ? 0 : (double) all * capped(task.getValue()) / capped;
            long whole = Math.min((long) share, capped(task.getValue()));
            taken.put(task.getKey(), whole);
            left -= whole;
            if (whole < capped(task.getValue())) {
                remainders.put(task.getKey(), share - whole);
            }
        }
        var order = new ArrayList<>(remainders.entrySet());
        order.sort(Map.Entry.<String, Double>comparingByValue(Comparator.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()));
        for (int i = 0; i < Math.min(left, order.size()); i++) {
            taken.merge(order.get(i).getKey(), 1L, Long::sum);
        }
        return taken;
    }
}
