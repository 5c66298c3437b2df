package dev.uncurl.corpus.task;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.Locale;

/** The metrics of a task with choices, with the names of lm-evaluation-harness where it has them. */
public enum TaskMetric {
    /** Accuracy: share of examples whose most likely choice is the first right choice. */
    ACC,
    /** Macro F1: mean over the classes of the one-against-rest F1. */
    F1,
    /** F1a of MultiRC: F1 over all answers, for the class of right answers (choice 1). */
    F1_A,
    /** Exact match: share of questions for which every example is answered by one of its right choices. */
    EM;

    /** The name in conf/task and in evaluation.results. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws UserError (usage) for an unknown name, with the nearest known one */
    static TaskMetric of(String label, String file) {
        for (TaskMetric metric : values()) {
            if (metric.label().equals(label)) {
                return metric;
            }
        }
        var known = Arrays.stream(values()).map(TaskMetric::label).toList();
        throw UserError.usage(file + ": metric '" + label + "' is not known", Nearest.hint(label, known));
    }
}
