package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import java.util.List;
import java.util.Map;

/**
 * What plans are compared with, beside the model as it is.
 *
 * @param randomSeeds how many random choices of experts are scored for each number of experts
 * @param otherTask the task whose plans are scored on every other one, as a control; empty: the next in {@code tasks}, and
 *     none where there is only one task
 * @param scratch models that were pretrained with fewer experts, named as {@code models}; those that are not there, or have
 *     another shape, are left out
 */
record Controls(int randomSeeds, String otherTask, List<Map<String, String>> scratch) {
    private static final int MOST_SEEDS = 1000;

    Controls {
        check(
                randomSeeds > 0 && randomSeeds <= MOST_SEEDS,
                "controls.random-seeds",
                randomSeeds,
                "a number from 1 to " + MOST_SEEDS);
        check(otherTask != null, "controls.other-task", null, "a task, or \"\"");
        check(scratch != null, "controls.scratch", null, "a list such as [{ pattern = \"demo-4e*\" }], or []");
        scratch.forEach(ModelChoice::of);
    }
}
