package dev.uncurl.corpus;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.util.Arrays;
import java.util.Locale;

/** What a task with choices can be measured by. */
public enum TaskMetric {
    /** Share of examples whose first right choice is the most likely one. */
    ACCURACY,
    /** Mean of the classes' one-against-rest F1. */
    F1,
    /** F1 of choice 1, the class of right answers. */
    F1_RIGHT,
    /** Share of questions all of whose examples get one of their right choices. */
    EXACT_MATCH;

    /** As it stands in conf/task. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws Refusal (usage) for a name that is not one, with the nearest */
    static TaskMetric of(String label, String file) {
        for (TaskMetric metric : values()) {
            if (metric.label().equals(label)) {
                return metric;
            }
        }
        var known = Arrays.stream(values()).map(TaskMetric::label).toList();
        throw Refusal.usage(file + ": metric '" + label + "' is not known", Nearest.hint(label, known));
    }
}
