package dev.uncurl.jobs.evaluate;

import java.util.SortedMap;

/**
 * How a pruned model, or one that was finetuned from it, was made.
 *
 * @param key everything that determined it but the seed of its plan
 * @param experts K as asked for
 * @param seed of the plan
 * @param suffix of the label: unaligned, finetuned
 */
record Setting(
        SortedMap<String, String> key,
        String planId,
        String method,
        String router,
        int experts,
        long seed,
        String suffix) {
    /** What the models of several seeds have in common, for people: "random K=4 mask (3 seeds)". */
    String label(int seeds) {
        return method + " K=" + experts + " " + router + suffix + " (" + seeds + " seeds)";
    }
}
