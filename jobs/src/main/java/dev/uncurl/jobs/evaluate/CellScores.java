package dev.uncurl.jobs.evaluate;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlanApplier;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Scores models and plans of them on single tasks, as evaluate does. What is the same for all is prepared once, and the rows of
 * several are committed together. Several threads may use it.
 */
public final class CellScores {
    /** Examples that one Spark task scores at least. */
    public static final int BLOCK = ScoringBlocks.SIZE;

    private final Warehouse warehouse;
    private final Evaluation evaluation;
    private final String split;
    private final int limit;
    private final Map<String, ModelCache.Reference> references = new ConcurrentHashMap<>();

    /** @param limit the most examples or sequences, the first ones; 0 for all */
    public CellScores(Warehouse warehouse, String split, int limit) {
        this.warehouse = warehouse;
        this.split = split;
        this.limit = limit;
        evaluation = Evaluation.ofMany(warehouse);
    }

    /**
     * What is scored.
     *
     * @param id model_id of its rows in evaluation.results
     * @param sha256 manifest_sha256 of these rows
     */
    public record Scored(String id, String sha256) {}

    /** How the results of a plan that is applied in memory are stored. */
    public Scored identify(String modelId, ModelFolder model, Plan plan, MergeOptions options) {
        ScoredModel scored = planned(modelId, model, plan, options);
        return new Scored(scored.id(), scored.sha256());
    }

    private ScoredModel planned(String modelId, ModelFolder model, Plan plan, MergeOptions options) {
        // where nothing is merged, alignment makes no other model
        boolean aligned = options.align() || PlanApplier.merges(plan).isEmpty();
        var reference =
                references.computeIfAbsent(model.manifestSha256(), sha256 -> ModelCache.Reference.of(warehouse, model));
        var source = new PlannedSource(reference, plan, new MergeOptions(options.router(), aligned));
        return PlanChoice.planned(modelId, model, source);
    }

    /**
     * Scores the model as it is.
     *
     * @return empty if its results are there
     * @throws UserError (input) if there is nothing to score on, (conflict, held) if another run scores it
     */
    public Optional<UncommittedScores> score(String modelId, String task) {
        return evaluation.stage(ScoredModel.registered(warehouse, modelId), List.of(task), split, limit);
    }

    /** As {@link #score(String, String)}, for a plan. */
    public Optional<UncommittedScores> score(
            String modelId, ModelFolder model, Plan plan, MergeOptions options, String task) {
        PlanApplier.check(model, plan);
        return evaluation.stage(planned(modelId, model, plan, options), List.of(task), split, limit);
    }

    /**
     * Shows scores, all of them in one commit to each table, and lets other runs have them.
     *
     * @throws UserError (conflict) if this run was paused and another one has taken over; nothing is visible then, or all
     */
    public void commit(List<UncommittedScores> scores) {
        try {
            warehouse.describe("commit the scores of " + scores.size() + " cells");
            new ScoreCommits(warehouse)
                    .commit(scores.stream().map(UncommittedScores::scores).toList());
        } finally {
            scores.forEach(UncommittedScores::close);
        }
    }
}
