package dev.uncurl.jobs.routing;

import dev.uncurl.config.Range;
import dev.uncurl.corpus.Split;
import dev.uncurl.jobs.cli.WarehouseOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit dump-logits --model demo-base --task superglue/boolq}. */
@Command(
        name = "dump-logits",
        description = "Runs a model on a task and writes its router logits and their sums: routing.logits,"
                + " routing.expert_statistics, routing.gram; with --outputs also the similarity of its experts'"
                + " outputs: routing.output_gram.",
        footer = {"", "  jobs/submit dump-logits --model demo-base --task superglue/boolq --tokens 100000"})
public final class DumpLogitsCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Model with experts.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "Task, such as superglue/boolq, or corpus, such as flan (all of its tasks) or cc100.")
    private String task;

    @Option(
            names = "--split",
            defaultValue = "train",
            description = "Split, train or validation (default: ${DEFAULT-VALUE}).")
    private Split split;

    @Option(
            names = "--tokens",
            defaultValue = "0",
            description =
                    "Size of the sample in tokens: whole sequences in the order of a hash until they have this many,"
                            + " the same for every model (default: all).")
    private long tokens;

    @Option(
            names = "--outputs",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Also run every expert on a sample of this many tokens, chosen as for --tokens (default: none).")
    private long outputs;

    @Option(
            names = "--expert-parallel",
            paramLabel = "P",
            defaultValue = "1",
            description =
                    "Divide the experts of each block among P tasks, for a model that is too large for one executor;"
                            + " the logits are the same apart from rounding (default: each task has the whole"
                            + " model).")
    private int expertParallel;

    @Override
    public Integer call() {
        Range.TOKENS_OPTION.check(tokens);
        Range.OUTPUTS_OPTION.check(outputs);
        Range.EXPERT_PARALLEL_OPTION.check(expertParallel);
        new TaskDump(warehouseOptions.open(), modelId, task, split.label(), tokens, outputs).make(expertParallel);
        return 0;
    }
}
