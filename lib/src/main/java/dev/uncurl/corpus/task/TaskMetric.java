package dev.uncurl.corpus.task;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.Arrays;

/** The metrics that a task may name, with the names of lm-evaluation-harness where it has them. */
public enum TaskMetric {
    /** Accuracy: share of examples whose most likely choice is the first right choice. */
    ACC("acc", "acc"),
    /** Macro F1: mean over the classes of the one-against-rest F1. */
    F1("f1", "f1"),
    /** F1a of MultiRC: F1 over all answers, for the class of right answers (choice 1). */
    F1_A("f1_a", "f1_a"),
    /** Exact match: share of questions for which every example is answered by one of its right choices. */
    EM("em", "em"),
    /**
     * Token F1 of ReCoRD: words that the answer of the most likely choice shares with that of a right choice, the best
     * of the right ones. The harness names it f1, as it names the macro F1 of CommitmentBank.
     */
    TOKEN_F1("token-f1", "f1");

    private final String label;
    private final String resultName;

    TaskMetric(String label, String resultName) {
        this.label = label;
        this.resultName = resultName;
    }

    /** The name in a task's file. */
    public String label() {
        return label;
    }

    /** The name in evaluation.results. */
    public String resultName() {
        return resultName;
    }

    /**
     * @param label the name in a task's file
     * @param where the place of the name, for the message
     * @throws UserError (usage) for an unknown name, with the nearest known one
     */
    public static TaskMetric of(String label, String where) {
        for (TaskMetric metric : values()) {
            if (metric.label.equals(label)) {
                return metric;
            }
        }
        var known = Arrays.stream(values()).map(TaskMetric::label).toList();
        throw UserError.usage(where + ": metric '" + label + "' is not known", Nearest.hint(label, known));
    }
}
