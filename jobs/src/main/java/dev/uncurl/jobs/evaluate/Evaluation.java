package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.spark.GpuStage;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.OutputLease;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.jobs.warehouse.row.ScoredRow;
import dev.uncurl.model.spec.ExpertShare;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.rdd.RDD;
import scala.Tuple2;

/**
 * Scores models on a task's examples, or on the packed sequences of corpora ({@code cc100+mc4}), and writes
 * evaluation.examples and evaluation.results. For corpora, also scores a unigram model of their training tokens, as a
 * baseline.
 *
 * <p>Executors score blocks of examples and stage each as it is finished (see {@link StagedScores}), so that a run that was
 * killed goes on where it was; then they write the blocks into data files, which become visible with one commit. What does
 * not depend on the model is prepared once for all models of one instance.
 */
public final class Evaluation {
    /** The option that divides experts among ranks. */
    static final String EXPERT_PARALLEL = "--expert-parallel";

    /** The examples, in partitions of whole blocks, and the metrics of one context length. */
    private record Prepared(
            ScoringInputs inputs,
            RDD<Tuple2<Long, ScoringItem>> examples,
            TokenBytes bytes,
            EvaluationMetrics metrics) {}

    private record Request(List<String> names, String split, int limit, int context) {}

    private final Warehouse warehouse;
    private final int cores;
    private final int expertParallel;
    private final boolean oneOfMany;
    private final Map<Request, Prepared> prepared = new HashMap<>();

    public Evaluation(Warehouse warehouse) {
        this(warehouse, warehouse.context().defaultParallelism());
    }

    /** @param cores on which the number of Spark tasks depends; does not affect the rows */
    Evaluation(Warehouse warehouse, int cores) {
        this(warehouse, cores, 1, false);
    }

    /**
     * An evaluation of models that are too large for one executor.
     *
     * @param expertParallel ranks that divide the experts of a model; 1: each task has the whole model. Does not affect scores to the
     *     bit, where sequences are independent ({@link dev.uncurl.model.SmoeLanguageModel#sequencesAreIndependent})
     */
    public static Evaluation divided(Warehouse warehouse, int expertParallel) {
        return new Evaluation(warehouse, warehouse.context().defaultParallelism(), expertParallel, false);
    }

    /** An evaluation of many models, whose progress is reported elsewhere. */
    static Evaluation ofMany(Warehouse warehouse) {
        return new Evaluation(warehouse, warehouse.context().defaultParallelism(), 1, true);
    }

    private Evaluation(Warehouse warehouse, int cores, int expertParallel, boolean oneOfMany) {
        this.warehouse = warehouse;
        this.cores = cores;
        this.expertParallel = expertParallel;
        this.oneOfMany = oneOfMany;
    }

    private RankStage ranks() {
        return RankStage.of(warehouse.context().sc(), expertParallel, EXPERT_PARALLEL);
    }

    /** Evaluates a registered model; see {@link #evaluate(ScoredModel, List, String, int, StopRule)}. */
    public List<ResultRow> evaluate(String modelId, List<String> names, String split, int limit) {
        return evaluate(ScoredModel.registered(warehouse, modelId), names, split, limit, StopRule.NEVER);
    }

    /**
     * Evaluates a model, or reads the results if the same model was evaluated on the same examples before.
     *
     * @param names one task, or corpora; see {@link ScoringInputs}
     * @param limit the most examples or sequences over all names, the first ones; 0 for all
     * @return the metrics, ordered by name
     */
    List<ResultRow> evaluate(ScoredModel model, List<String> names, String split, int limit, StopRule stop) {
        Prepared ready = ready(model, names, split, limit);
        ScoringKey key = ScoringKey.of(model, ready.inputs);
        if (isThere(key)) {
            System.out.println("Results of " + key + " are there already: reused.");
            return results(key);
        }
        try (OutputLease lock = warehouse.lock("evaluation", model.id(), ready.inputs.label())) {
            return new ScoreCommits(warehouse)
                    .commit(List.of(finish(ready, model, key, stop)))
                    .get(0);
        }
    }

    /**
     * Scores a model as {@link #evaluate}, but its rows stay staged, so that those of several models can be committed together. Several
     * threads may call it.
     *
     * @return empty if the same model was evaluated on the same examples before
     */
    Optional<UncommittedScores> stage(ScoredModel model, List<String> names, String split, int limit) {
        Prepared ready = ready(model, names, split, limit);
        ScoringKey key = ScoringKey.of(model, ready.inputs);
        OutputLease lease = warehouse.lockWithoutClock("evaluation", model.id(), ready.inputs.label());
        UncommittedScores staged = null;
        try {
            if (!isThere(key)) {
                staged = new UncommittedScores(finish(ready, model, key, StopRule.NEVER), lease);
            }
            return Optional.ofNullable(staged);
        } finally {
            if (staged == null) {
                lease.close();
            }
        }
    }

    private boolean isThere(ScoringKey key) {
        return ScoredTable.hasResults(warehouse, key) && ScoredTable.hasExamples(warehouse, key);
    }

    /** Scores what is neither visible nor staged; the caller has the lease. */
    private FinishedScores finish(Prepared ready, ScoredModel model, ScoringKey key, StopRule stop) {
        warehouse.describe("evaluate " + key);
        var staged = StagedScores.of(warehouse, key);
        boolean visible = ScoredTable.hasExamples(warehouse, key);
        ScoringInputs inputs = visible ? ready.inputs : ready.inputs.first(score(ready, model, staged, stop));
        return new FinishedScores(key.withData(inputs.data()), inputs, ready.metrics, staged, visible);
    }

    private synchronized Prepared ready(ScoredModel model, List<String> names, String split, int limit) {
        Prepared ready = prepared.computeIfAbsent(
                new Request(names, split, limit, model.config().sequenceLength()), this::prepare);
        ready.inputs.runs().forEach(run -> run.requireTokenizer(model.tokenizer(), model.id()));
        return ready;
    }

    private Prepared prepare(Request request) {
        warehouse.describe("prepare " + String.join("+", request.names) + " (" + request.split + ")");
        var inputs = ScoringInputs.of(warehouse, request.names, request.split, request.limit, request.context);
        var examples = expertParallel == 1
                ? BlockedExamples.of(inputs, cores)
                : BlockedExamples.in(ranks().partitions(), inputs);
        return new Prepared(
                inputs,
                examples,
                TokenBytes.of(inputs.runs().get(0)).orElse(null),
                new EvaluationMetrics(warehouse, inputs, examples));
    }

    /** Returns the number of blocks that are scored when the rule stops: all, if it does not. */
    private int score(Prepared ready, ScoredModel model, StagedScores staged, StopRule stop) {
        ScoringBlocks blocks = ready.inputs.blocks();
        long before = staged.begin(blocks);
        var done = warehouse.context().sc().longAccumulator();
        done.add(before);
        String what = "score " + staged.key();
        var progress = oneOfMany
                ? Progress.ofOneOfMany(what, "examples", blocks.rows(), before)
                : new Progress(what, "examples", blocks.rows(), before);
        int from = 0;
        while (from < blocks.size()) {
            int to = stop == StopRule.NEVER ? blocks.size() : Math.min(blocks.size(), Math.max(1, 2 * from));
            var task = new ScoringTask(staged, model.source(), blocks, from, to, ready.bytes, done);
            if (expertParallel == 1) {
                SparkWork.forEachPartition(GpuStage.of(ready.examples), task, scored -> {}, done, progress);
            } else {
                divided(ready, model, task, progress);
            }
            if (stop != StopRule.NEVER && stop.stop(rows(staged, blocks, from, to))) {
                return to;
            }
            from = to;
        }
        return from;
    }

    /** Ranks that divide the experts of the model do a task together. */
    private void divided(Prepared ready, ScoredModel model, ScoringTask task, Progress progress) {
        RankStage stage = ranks();
        ExpertShare.check(model.config(), stage.ranks(), "the number of ranks", expertParallel, EXPERT_PARALLEL);
        var division = new DividedModel.Division(model.source(), expertParallel, stage.slots());
        var work = new ScoringTask.Divided(task, division); // blocks that are staged are not scored again
        stage.run("score " + task.staged().key(), ready.examples, work, task.done(), progress);
    }

    private static List<ScoredRow> rows(StagedScores staged, ScoringBlocks blocks, int from, int to) {
        var rows = new ArrayList<ScoredRow>();
        for (ScoringBlocks.Block block : blocks.blocks().subList(from, to)) {
            if (block.fitting() > 0) {
                rows.addAll(staged.read(block.number()));
            }
        }
        return rows;
    }

    private List<ResultRow> results(ScoringKey key) {
        var rows = warehouse.rows(
                UncurlTable.RESULTS, "model_id", key.modelId(), "task", key.task(), "split", key.split());
        return Records.read(rows.orderBy("metric"), ResultRow.class);
    }
}
