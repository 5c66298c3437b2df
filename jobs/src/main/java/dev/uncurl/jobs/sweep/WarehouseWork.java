package dev.uncurl.jobs.sweep;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.cli.Interruption;
import dev.uncurl.jobs.evaluate.CellScores;
import dev.uncurl.jobs.output.StandardOutput;
import dev.uncurl.jobs.prune.PrunedModels;
import dev.uncurl.jobs.routing.TaskDump;
import dev.uncurl.jobs.spark.Causes;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.sweep.Cell.Pruning;
import dev.uncurl.jobs.sweep.CellStatus.Results;
import dev.uncurl.jobs.sweep.StoredResults.Loss;
import dev.uncurl.jobs.train.TaskFinetuning;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What a warehouse has of the cells of a sweep, and how it is made: one dump and one planning for all plans of a model and task, then
 * scores and models. Everything that exists is reused, whoever made it: dumps, plans, results and models have ids or keys that
 * say what they were made from.
 */
final class WarehouseWork {
    /**
     * The plan of a cell.
     *
     * @param scored how its results are stored when it is applied in memory
     */
    record Planned(Plan plan, String id, MergeOptions options, CellScores.Scored scored) {}

    private record Registered(String modelId, String manifestSha256) {}

    private final Warehouse warehouse;
    private final String folder;
    private final Map<String, ModelFolder> models;
    private final Map<PlanGroup.Key, PlanGroup> groups = new LinkedHashMap<>();
    private final Map<String, StoredResults> results = new ConcurrentHashMap<>();
    private final Map<String, String> registered = new ConcurrentHashMap<>();
    private final CellScores scores;
    private final Protocol protocol;

    /**
     * @param folder of the warehouse, as it was given
     * @param models the folders of the sweep's models, by name
     * @param cells all of the sweep
     */
    WarehouseWork(
            Warehouse warehouse, String folder, Map<String, ModelFolder> models, List<Cell> cells, Protocol protocol) {
        this.warehouse = warehouse;
        this.folder = folder;
        this.models = models;
        this.protocol = protocol;
        scores = new CellScores(warehouse, protocol.split(), protocol.limit());
        for (Cell cell : cells) {
            cell.pruning().ifPresent(plan -> groups.computeIfAbsent(
                            key(cell, plan), key -> new PlanGroup(warehouse, key, models.get(key.modelId()), protocol))
                    .add(plan.settings()));
        }
        readRegistry();
    }

    private void readRegistry() {
        registered.clear();
        Records.read(warehouse.table(UncurlTable.REGISTRY), Registered.class)
                .forEach(row -> registered.put(row.modelId, row.manifestSha256));
    }

    static PlanGroup.Key key(Cell cell, Pruning plan) {
        return new PlanGroup.Key(cell.model().id(), plan.madeOn().name());
    }

    private PlanGroup group(Cell cell) {
        return groups.get(key(cell, cell.pruning().orElseThrow()));
    }

    TaskDump dump(PlanGroup.Key key) {
        return groups.get(key).dump();
    }

    CellScores scores() {
        return scores;
    }

    ModelFolder model(Cell cell) {
        return models.get(cell.model().id());
    }

    /** Names the Spark jobs of this thread after a cell: in the event log, and so in the history server. */
    void announce(Cell cell) {
        warehouse.context().setJobGroup(cell.id(), cell.toString(), false);
    }

    /** Forgets what was read of results, plans and models, which other runs may have changed. */
    void refresh() {
        results.clear();
        groups.values().forEach(PlanGroup::refresh);
        readRegistry();
    }

    /** The plan of a cell, if it is stored and its routing dumped. */
    Optional<Planned> planned(Cell cell) {
        PlanGroup group = group(cell);
        return group.ifDumped(cell.pruning().orElseThrow().settings())
                .map(plan -> planned(cell, plan))
                .filter(one -> group.isStored(one.id));
    }

    /** The plan of a cell, which is made and stored if it is not there. */
    Planned plan(Cell cell) {
        return planned(
                cell, group(cell).stored().plan(cell.pruning().orElseThrow().settings()));
    }

    private Planned planned(Cell cell, Plan plan) {
        Pruning pruning = cell.pruning().orElseThrow();
        var options = new MergeOptions(pruning.router(), protocol.align(), DType.named(protocol.dtype()));
        return new Planned(
                plan, plan.id(), options, scores.identify(cell.model().id(), model(cell), plan, options));
    }

    /** The loss of a cell that is not finetuned, or of the plan of one that is; empty if it is not there. */
    Optional<Loss> loss(Cell cell) {
        if (cell.pruning().isEmpty()) {
            return results(cell).loss(cell.model().id(), cell.task()).filter(loss -> loss.sha256()
                    .equals(cell.model().sha256()));
        }
        return planned(cell).flatMap(plan -> results(cell)
                .loss(plan.scored.id(), cell.task())
                .filter(loss -> loss.sha256().equals(plan.scored.sha256())));
    }

    private StoredResults results(Cell cell) {
        return results.computeIfAbsent(
                cell.model().id(), id -> StoredResults.of(warehouse, id, protocol.split(), protocol.limit()));
    }

    /** The scores of a cell that is not finetuned, if they are there, with the model of it that is there. */
    Optional<Results> scored(Cell cell) {
        if (loss(cell).isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                cell.pruning().isEmpty()
                        ? ofUnpruned(cell.model().id())
                        : ofPlan(cell, planned(cell).orElseThrow()));
    }

    static Results ofUnpruned(String id) {
        return new Results(Optional.empty(), id, Optional.empty());
    }

    Results ofPlan(Cell cell, Planned plan) {
        return new Results(
                Optional.of(plan.id),
                plan.scored.id(),
                Optional.of(prunedName(cell, plan)).filter(this::isRegistered));
    }

    boolean isRegistered(String model) {
        return registered.containsKey(model);
    }

    String prunedName(Cell cell, Planned plan) {
        return PruneLine.modelName(cell.model().id(), cell.pruning().orElseThrow(), plan.id, protocol);
    }

    /** The scores of a cell that is finetuned, if they are there. The model itself may be gone: its name says what it was made from. */
    Optional<Results> tuned(Cell cell) {
        Optional<Planned> plan = cell.pruning().isEmpty() ? Optional.empty() : planned(cell);
        if (cell.pruning().isPresent() && plan.isEmpty()) {
            return Optional.empty();
        }
        Results there = ofTuned(cell, plan);
        String registeredSha = registered.get(there.resultsId());
        return results(cell)
                .loss(there.resultsId(), cell.task())
                .filter(loss -> registeredSha == null || loss.sha256().equals(registeredSha))
                .map(loss -> there);
    }

    Results ofTuned(Cell cell, Optional<Planned> plan) {
        Optional<String> pruned = plan.map(one -> prunedName(cell, one));
        String start = pruned.orElse(cell.model().id());
        return new Results(plan.map(Planned::id), FinetuneLine.modelName(start, cell), pruned);
    }

    /** Makes the model of a plan, unless it is there. */
    void prune(Cell cell, Planned plan) {
        Pruning pruning = cell.pruning().orElseThrow();
        String id = cell.model().id();
        String name = prunedName(cell, plan);
        new PrunedModels(warehouse)
                .make(
                        model(cell),
                        id,
                        plan.plan,
                        pruning.settings(),
                        plan.options,
                        name,
                        PruneLine.of(id, pruning, protocol, name, folder));
        registered.putIfAbsent(name, "");
    }

    /** Finetunes a model on the task of a cell, unless that is done. */
    void finetune(Cell cell, String start, String name) {
        new TaskFinetuning(warehouse)
                .make(
                        start,
                        name,
                        cell.task().name(),
                        cell.recipe().orElseThrow().train(),
                        "finetune",
                        FinetuneLine.of(start, name, cell, folder));
    }

    boolean isTheEnd(Throwable failure) {
        return Interruption.isEnding()
                || warehouse.context().sc().isStopped()
                || Causes.of(failure).stream().anyMatch(StandardOutput.Failure.class::isInstance);
    }
}
