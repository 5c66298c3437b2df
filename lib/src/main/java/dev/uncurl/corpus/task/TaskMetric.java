package dev.uncurl.corpus.task;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Arrays;
import java.util.Locale;

/** What a task with choices can be measured by, under lm-evaluation-harness's names where it has one. */
public enum TaskMetric {
    /** Accuracy: share of examples whose first right choice is the most likely one. */
    ACC,
    /** Mean of the classes' one-against-rest F1. */
    F1,
    /** F1 over answers, of choice 1, the class of right answers: F1a of MultiRC. */
    F1_A,
    /** Exact match: share of questions all of whose examples get one of their right choices. */
    EM;

    /** As in conf/task and evaluation.results. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** @throws UserError (usage) for a name that is not one, with the nearest */
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
