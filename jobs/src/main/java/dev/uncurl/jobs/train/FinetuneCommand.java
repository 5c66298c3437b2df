package dev.uncurl.jobs.train;

import dev.uncurl.jobs.cli.ConfigOptions;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.PathName;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit finetune --from demo-base --model demo-boolq --task superglue/boolq --config train/demo-finetune}. */
@Command(
        name = "finetune",
        description = "Trains a model further on the examples of a task, or of FLAN (prefinetuning).",
        footer = {
            "",
            "  jobs/submit finetune --from demo-base --model demo-boolq --task superglue/boolq --config"
                    + " train/demo-finetune"
        })
public final class FinetuneCommand implements Callable<Integer> {
    /** The stage of the model in models.registry. */
    enum Stage {
        PREFINETUNE,
        FINETUNE
    }

    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(names = "--from", paramLabel = "ID", required = true, description = "Model to start from.")
    private String parentId;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Name of the model to make.")
    private String modelId;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "Task (superglue/boolq), or corpus of examples (flan) for all of its tasks.")
    private String task;

    @Option(
            names = "--stage",
            defaultValue = "finetune",
            description = "Stage in models.registry: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Stage stage;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        FinetuneConfig config = configOptions.bind(FinetuneConfig.class);
        if (configOptions.onlyPrint()) {
            return 0;
        }
        PathName.plain("model", modelId);
        new TaskFinetuning(warehouseOptions.open())
                .make(
                        parentId,
                        modelId,
                        task,
                        config.train(),
                        stage.name().toLowerCase(Locale.ROOT),
                        RecordedCommand.of(spec));
        return 0;
    }
}
