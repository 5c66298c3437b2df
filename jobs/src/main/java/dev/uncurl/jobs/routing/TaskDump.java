package dev.uncurl.jobs.routing;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;

/** The dump of a model on a task: router logits with their sums and, if asked for, the outputs of all experts. */
public final class TaskDump {
    private final Warehouse warehouse;
    private final String modelId;
    private final String task;
    private final ModelFolder model;
    private final CorpusRun run;
    private final long tokens;
    private final long outputs;
    private final RoutingKey logits;
    private final RoutingKey common;

    /**
     * @param split train or validation
     * @param tokens size of the sample, 0 for all
     * @param outputs size of the sample on which all experts run, 0 for none
     * @throws UserError (usage) if the model has no experts, (input) if there is no such model or task, or they are of
     *     different tokenizers
     */
    public TaskDump(Warehouse warehouse, String modelId, String task, String split, long tokens, long outputs) {
        this.warehouse = warehouse;
        this.modelId = modelId;
        this.task = task;
        this.tokens = tokens;
        this.outputs = outputs;
        model = new Models(warehouse).open(modelId);
        if (model.config().moeLayers().length == 0) {
            throw UserError.usage("Model " + modelId + " has no experts", "Name a model with moe.experts above 0.");
        }
        run = CorpusRun.ofTask(warehouse, task);
        run.requireTokenizer(model.manifest().lineage().tokenizer(), modelId);
        logits = RoutingKey.of(modelId, model, task, split, run, tokens);
        common = RoutingKey.of(modelId, model, task, split, run, outputs);
    }

    /** Whether nothing is left to do. */
    public boolean isComplete() {
        var tables = new RoutingTables(warehouse);
        return tables.isComplete(UncurlTable.GRAM, logits)
                && (outputs == 0 || tables.isComplete(UncurlTable.OUTPUT_GRAM, common));
    }

    /** Upper bound of the bytes on disk of the router logits. Counts the tokens. */
    public long bytes() {
        int context = model.config().sequenceLength();
        var inputs = DumpSequences.of(warehouse, task, logits.split(), context, run.sequenceLength(), tokens);
        return RoutingDump.bytes(inputs.tokens(), model.config());
    }

    /**
     * Makes what is missing, and prints what it did.
     *
     * @param expertParallel tasks that divide the experts of the model among themselves
     * @throws UserError (conflict) if another run writes the dump, (input) if there are no tokens or no room
     */
    public void make(int expertParallel) {
        int partitions = warehouse.context().defaultParallelism();
        try (var lock = warehouse.lock("routing", modelId, task)) {
            boolean made = new RoutingDump(warehouse, partitions, expertParallel).dump(logits, model, run, tokens);
            System.out.println(
                    made
                            ? "Dumped router logits of " + logits + ", with statistics and Gram matrices"
                            : "Router logits of " + logits + " are there already: reused.");
            if (outputs > 0) {
                boolean ran = new OutputDump(warehouse, partitions, expertParallel).dump(common, model, run, outputs);
                System.out.println(
                        ran
                                ? "Compared the outputs of all experts of " + common
                                : "Outputs of the experts of " + common + " are there already: reused.");
            }
        }
    }
}
