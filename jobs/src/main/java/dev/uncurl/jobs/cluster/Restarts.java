package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.LostRankException;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.spark.GpuStage;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.shuffle.FetchFailedException;

/**
 * Decides whether a barrier stage that has failed is started again. Spark does not do so itself with one whose results go to the
 * driver. A stage whose rank was lost is, in training from the checkpoint that it began with: so the run ends with the bits of an
 * undisturbed one, and the loss does not count as a failure of a task ({@code spark.task.maxFailures}). A failure of another kind
 * would come again.
 */
public final class Restarts {
    static final String EXECUTOR_LOST = "ExecutorLostFailure";

    /** How Spark and ranks say that a rank is lost, in the text of a stage's failure; the last ones, that its files are, and that its GPU is. */
    private static final List<String> SIGNS = List.of(
            EXECUTOR_LOST,
            LostRankException.class.getName(),
            "Executor heartbeat timed out",
            FetchFailedException.class.getName(),
            GpuStage.FAILED);

    private static final int LONGEST = 200;

    private final String what;
    private final int most;
    private int count;

    /** @param most restarts of the whole run */
    public Restarts(String what, int most) {
        this.what = what;
        this.most = most;
    }

    /**
     * Whether to start again after a failure; prints a line if so.
     *
     * @param from where it begins again, for the line
     */
    public boolean again(Exception failure, String from) {
        Optional<String> reason = lost(failure);
        if (reason.isEmpty() || count == most) {
            return false;
        }
        count++;
        System.out.printf(
                Locale.ROOT,
                "%s: a rank was lost (%s). Starting again from %s, restart %d of %d%n",
                what,
                reason.get(),
                from,
                count,
                most);
        return true;
    }

    /** The reason that Spark or a rank gives, if a failure is the loss of a rank. */
    static Optional<String> lost(Exception failure) {
        List<Throwable> causes = Causes.of(failure);
        for (Throwable cause : causes) {
            if (cause instanceof RankFailedException rank) {
                return rank.endsExecutor() ? Optional.of(line(rank.getMessage())) : Optional.empty();
            }
        }
        return causes.stream()
                .map(cause -> String.valueOf(cause.getMessage()))
                .flatMap(String::lines)
                .filter(line -> SIGNS.stream().anyMatch(line::contains))
                .findFirst()
                .map(Restarts::line);
    }

    private static String line(String text) {
        String line = text.lines().findFirst().orElse("").strip().replace(LostRankException.class.getName() + ": ", "");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "..." : line;
    }
}
