package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.jobs.cli.ConfigOptions;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.warehouse.Backend;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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
        Warehouse warehouse = warehouseOptions.open();
        var models = new Models(warehouse);
        ModelFolder parent = models.open(parentId);
        if (config.train().ranks() != TrainConfig.AUTO) {
            ModelSize.checkTraining(parent.config(), config.train());
        }
        String tokenizer = parent.manifest().lineage().tokenizer();
        CorpusRun run = CorpusRun.ofTask(warehouse, task);
        run.requireTokenizer(tokenizer, parentId);
        var inputs = new TreeMap<String, String>();
        inputs.put("parent", parent.manifestSha256());
        inputs.put("task", task);
        inputs.putAll(config.train().inputs());
        inputs.put("data", CorpusRun.ids(java.util.List.of(run)));
        inputs.put(Lineage.TOKENIZER, tokenizer);
        try (var lock = warehouse.lock("model", modelId)) {
            if (models.isMade(modelId, inputs)) {
                new Checkpoints(warehouse, modelId, config.train().checkpoint())
                        .finish(config.train().steps(parent.config().sequenceLength()));
            } else {
                train(warehouse, parent, config.train(), inputs);
            }
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException("training model " + modelId, e);
        }
    }

    private void train(Warehouse warehouse, ModelFolder parent, TrainConfig asked, Map<String, String> inputs)
            throws IOException {
        TrainConfig train = RankPlaces.prepare(warehouse, parent.config(), asked);
        Lineage lineage = Lineage.here(
                parentId, stage.name().toLowerCase(Locale.ROOT), inputs, RecordedCommand.of(spec), Backend.name());
        int length = parent.config().sequenceLength();
        try (var data = TrainingData.examples(warehouse, task, train, length)) {
            var validation = Validation.examples(warehouse, task, train, length);
            var initial = new StartingPoint.Parent(ModelCache.Reference.of(warehouse, parent));
            new Training(warehouse, modelId, parent.config(), train, asked, lineage).run(initial, data, validation);
        }
    }
}
