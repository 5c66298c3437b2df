package dev.uncurl.jobs.warehouse;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.apache.spark.sql.SparkSession;

/**
 * The views of schemas/views in a session. Spark analyses the text of a view when it is created, and all that it is made from, which
 * takes seconds for all of them. So a session gets those that a statement names, just before it is run.
 */
final class SessionViews {
    /** In the order in which they can be created: a view may use those before it. */
    enum View {
        DROPPED_EXPERTS,
        LOAD_IMBALANCE,
        EXPERT_PROFILE,
        EXPERT_DISTANCE,
        EXPERT_PAIRS,
        EXPERT_BETWEEN_TASKS,
        TASK_OVERLAP,
        TASK_TOP_EXPERTS,
        MODEL_RESULTS,
        PRUNING_FRONTIER,
        PAIRED_DIFFERENCES,
        FLIPPED_EXAMPLES,
        FLIPPED_EXPERTS,
        SWEEP_STATES,
        SWEEP_RESULTS,
        CALIBRATION,
        CELL_SETTINGS,
        METHOD_RANKS,
        SMALLEST_NOT_WORSE,
        SWEEP_CHANGES,
        SWEEP_FRONTIER,
        THRESHOLD_FACTOR;

        String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        private String definition() {
            return TableSchemas.text("schemas/views/" + id() + ".sql");
        }

        private boolean isNamedIn(String sql) {
            return Pattern.compile("\\b" + id() + "\\b", Pattern.CASE_INSENSITIVE)
                    .matcher(sql)
                    .find();
        }
    }

    private static final Pattern LISTS = Pattern.compile("\\s*SHOW\\b", Pattern.CASE_INSENSITIVE);

    private SessionViews() {}

    /** Creates what the statement uses and the session does not have. The session's current catalog must be Uncurl's. */
    static void create(SparkSession spark, String statement) {
        for (View view : usedBy(statement)) {
            if (spark.sessionState().catalog().getTempView(view.id()).isEmpty()) {
                SqlStatements.split(view.definition()).forEach(spark::sql);
            }
        }
    }

    /** Views that are named in a statement and those that they use, in the order in which they can be created; all for SHOW. */
    static List<View> usedBy(String statement) {
        if (LISTS.matcher(statement).lookingAt()) {
            return List.of(View.values());
        }
        var text = new StringBuilder(statement);
        Deque<View> used = new ArrayDeque<>();
        View[] views = View.values();
        for (int i = views.length - 1; i >= 0; i--) {
            if (views[i].isNamedIn(text.toString())) {
                used.addFirst(views[i]);
                text.append('\n').append(views[i].definition());
            }
        }
        return List.copyOf(used);
    }
}
