package dev.uncurl.jobs.sweep;

import java.util.Collection;
import java.util.HashSet;
import java.util.Set;

/**
 * The plans that scores leave in play. A plan is out if another one, with no more experts, has a loss that is lower by more than the
 * interval of the difference: 1.96 standard errors, as if the losses were independent. They are of the same examples, so their
 * difference is known more exactly, and a plan rather stays in play than is lost.
 */
final class Frontier {
    /** Standard errors of an interval that has the true value in 95 of 100 cases. */
    private static final double INTERVAL = 1.96;

    /**
     * The score of a plan.
     *
     * @param plan identifies it
     * @param experts that it keeps, per layer
     * @param loss per token
     */
    record Point(String plan, int experts, double loss, double standardError) {
        private boolean isBeatenBy(Point other) {
            double interval = INTERVAL * Math.hypot(standardError, other.standardError);
            return other.experts <= experts && loss - other.loss > interval;
        }
    }

    private Frontier() {}

    /** @param points the scores of one model on one task */
    static Set<String> inPlay(Collection<Point> points) {
        var inPlay = new HashSet<String>();
        for (Point point : points) {
            if (points.stream().noneMatch(point::isBeatenBy)) {
                inPlay.add(point.plan());
            }
        }
        return inPlay;
    }
}
