package dev.uncurl.pruning;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import dev.uncurl.routing.ExpertStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The quantity to which the weights of a cluster's members are proportional. If it is 0 for all members, their weights are
 * equal.
 */
public enum MergeWeights {
    /** Activation counts; with top-k, all k choices of a token are counted. */
    FREQUENCY {
        @Override
        double mass(ExpertStatistics statistics, int expert, boolean isReference) {
            return statistics.choices(expert);
        }
    },
    /** Sum of gates over the tokens that chose the expert. */
    GATE_MASS {
        @Override
        double mass(ExpertStatistics statistics, int expert, boolean isReference) {
            return statistics.gateMass(expert);
        }
    },
    /** All members have equal weights. */
    UNIFORM {
        @Override
        double mass(ExpertStatistics statistics, int expert, boolean isReference) {
            return 1;
        }
    },
    /** The reference expert has weight 1, the others 0. */
    REFERENCE_ONLY {
        @Override
        double mass(ExpertStatistics statistics, int expert, boolean isReference) {
            return isReference ? 1 : 0;
        }
    };

    /** @return 0 or more */
    abstract double mass(ExpertStatistics statistics, int expert, boolean isReference);

    /** The name on the command line. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** @throws UserError (usage) if there are no such weights; suggests the nearest name */
    public static MergeWeights named(String id) {
        return Arrays.stream(values())
                .filter(weights -> weights.id().equals(id))
                .findFirst()
                .orElseThrow(() -> UserError.usage("There are no merge weights " + id, Nearest.hint(id, ids())));
    }

    /** The names that {@link #named} accepts. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(MergeWeights::id).toList();
    }
}
