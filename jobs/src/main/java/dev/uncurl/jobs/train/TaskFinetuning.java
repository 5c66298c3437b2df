package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.Settings;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Backend;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.ModelSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.codec.digest.DigestUtils;

/** Trains models further on the examples of a task, unless the trained models are there. */
public final class TaskFinetuning {
    /**
     * How a model is trained.
     *
     * @param name of a configuration, such as train/demo-finetune
     */
    public record Recipe(String name, TrainConfig train) {
        /** @throws UserError (usage) if there is no such configuration, or a setting is not possible */
        public static Recipe load(String name, long seed) {
            return new Recipe(
                    name,
                    Settings.load(name, List.of("train.seed=" + seed))
                            .bind(FinetuneConfig.class)
                            .train());
        }

        /** Hash of all settings that affect the trained weights, the seed among them. */
        public String sha256() {
            return DigestUtils.sha256Hex(new TreeMap<>(train.inputs()).toString());
        }
    }

    private final Warehouse warehouse;

    public TaskFinetuning(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /**
     * Trains a model, and prints its size and losses. A run that was killed goes on from its newest checkpoint.
     *
     * @param task or a corpus of examples
     * @param stage of the model in models.registry
     * @param command that makes the model, for its manifest
     * @throws UserError (conflict) if a model of this name was made from other inputs, (conflict, held) if another run makes it,
     *     (usage) if the parent is too large for the recipe, (input) if there is no such model or task
     */
    public void make(String parentId, String modelId, String task, TrainConfig train, String stage, String command) {
        var models = new Models(warehouse);
        ModelFolder parent = models.open(parentId);
        if (train.ranks() != TrainConfig.AUTO) {
            ModelSize.checkTraining(parent.config(), train);
        }
        String tokenizer = parent.manifest().lineage().tokenizer();
        CorpusRun run = CorpusRun.ofTask(warehouse, task);
        run.requireTokenizer(tokenizer, parentId);
        var inputs = new TreeMap<String, String>();
        inputs.put("parent", parent.manifestSha256());
        inputs.put("task", task);
        inputs.putAll(train.inputs());
        inputs.put("data", CorpusRun.ids(List.of(run)));
        inputs.put(Lineage.TOKENIZER, tokenizer);
        try (var lock = warehouse.lock("model", modelId)) {
            if (models.isMade(modelId, inputs)) {
                new Checkpoints(warehouse, modelId, train.checkpoint())
                        .finish(train.steps(parent.config().sequenceLength()));
            } else {
                train(parent, modelId, task, train, lineage(parentId, stage, inputs, command));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("training model " + modelId, e);
        }
    }

    private static Lineage lineage(String parentId, String stage, Map<String, String> inputs, String command) {
        return Lineage.here(parentId, stage, inputs, command, Backend.name());
    }

    private void train(ModelFolder parent, String modelId, String task, TrainConfig asked, Lineage lineage)
            throws IOException {
        TrainConfig train = RankPlaces.prepare(warehouse, parent.config(), asked);
        int length = parent.config().sequenceLength();
        try (var data = TrainingData.examples(warehouse, task, train, length)) {
            var validation = Validation.examples(warehouse, task, train, length);
            var initial = new StartingPoint.Parent(ModelCache.Reference.of(warehouse, parent));
            new Training(warehouse, modelId, parent.config(), train, asked, lineage).run(initial, data, validation);
        }
    }
}
