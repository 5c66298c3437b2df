package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.config.Settings;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.ConfigOptions;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.evaluate.Evaluation;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.warehouse.Backend;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Models;
import dev.uncurl.jobs.warehouse.PathName;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.ResultRow;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit pretrain --model demo-pretrained --config train/demo-pretrain}. */
@Command(
        name = "pretrain",
        description = "Trains a model from scratch, and compares it with a unigram model.",
        footer = {"", "  jobs/submit pretrain --model base --config train/demo-pretrain --set train.tokens=200000"})
public final class PretrainCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Name of the model to make.")
    private String modelId;

    @Mixin
    private EstimateOptions estimateOptions;

    @Option(
            names = "--untrained",
            description =
                    "Register the model with its initial weights (of train.seed), without training or evaluating it."
                            + " This also works for models that are too large to train in one process.")
    private boolean untrained;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PretrainConfig config = configOptions.bind(PretrainConfig.class);
        if (configOptions.onlyPrint()) {
            return 0;
        }
        requireEffective(config);
        if (estimateOptions.asked()) {
            estimateOptions.print(config.model(), config.train());
            return 0;
        }
        PathName.plain("model", modelId);
        if (!untrained && config.train().ranks() != TrainConfig.AUTO) {
            ModelSize.checkTraining(config.model(), config.train());
        }
        Warehouse warehouse = warehouseOptions.open();
        List<CorpusRun> runs = CorpusRun.ofAll(warehouse, config.corpora());
        runs.forEach(run -> requireFit(run, config, runs.get(0)));
        if (untrained) {
            initialize(warehouse, config, runs.get(0).tokenizer());
            return 0;
        }
        var inputs = new TreeMap<String, String>();
        inputs.put("model", Settings.json(config.model()));
        inputs.putAll(config.train().inputs());
        inputs.put("data", CorpusRun.ids(runs));
        inputs.put(Lineage.TOKENIZER, runs.get(0).tokenizer());
        Lineage lineage = Lineage.here(null, "pretrain", inputs, RecordedCommand.of(spec), Backend.name());
        try (var lock = warehouse.lock("model", modelId)) {
            if (new Models(warehouse).isMade(modelId, inputs)) {
                new Checkpoints(warehouse, modelId, config.train().checkpoint())
                        .finish(config.train().steps(config.model().sequenceLength()));
            } else {
                train(warehouse, config, lineage);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("training model " + modelId, e);
        }
        evaluate(warehouse, config.train(), config.corpora());
        return 0;
    }

    private void initialize(Warehouse warehouse, PretrainConfig config, String tokenizer) {
        var inputs = new TreeMap<String, String>();
        inputs.put("model", Settings.json(config.model()));
        inputs.put("seed", Long.toString(config.train().seed()));
        inputs.put(Lineage.TOKENIZER, tokenizer);
        Lineage lineage = Lineage.here(null, "initialize", inputs, RecordedCommand.of(spec), Backend.name());
        var models = new Models(warehouse);
        try (var lock = warehouse.lock("model", modelId)) {
            if (!models.isMade(modelId, inputs)) {
                Weights initial =
                        ModelInitialization.of(config.model(), config.train().seed());
                ModelFolder folder = ModelFolder.write(
                        warehouse.files(), warehouse.modelFolder(modelId), config.model(), initial, lineage);
                models.registerNew(modelId, folder);
                System.out.printf(
                        Locale.ROOT,
                        "Model %s: %,d parameters, initialised and not trained%n",
                        modelId,
                        folder.layout().length());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Model " + modelId + " cannot be written", e);
        }
    }

    /** Evaluates the model on the corpora that have a validation split, and prints the names of the others. */
    private void evaluate(Warehouse warehouse, TrainConfig train, List<String> corpora) {
        Map<Boolean, List<String>> validated = corpora.stream().collect(Collectors.partitioningBy(corpus -> !warehouse
                .rows(UncurlTable.SEQUENCES, "corpus", corpus, "split", "validation")
                .isEmpty()));
        if (!validated.get(false).isEmpty()) {
            System.out.println("Not evaluated, because there are no rows in the validation split: "
                    + String.join(", ", validated.get(false)));
        }
        if (validated.get(true).isEmpty()) {
            return;
        }
        for (ResultRow row : Evaluation.divided(warehouse, train.expertParallel())
                .evaluate(modelId, validated.get(true), "validation", 0)) {
            boolean nats = row.metric().endsWith("_per_token");
            System.out.printf(
                    Locale.ROOT,
                    nats
                            ? "%s, validation %s: %s +- %s nats per token (n = %,d)%n"
                            : "%s, validation %s: %s +- %s (n = %,d)%n",
                    modelId,
                    row.metric().replace("_per_token", "").replace('_', ' '),
                    Digits.of(row.value()),
                    Digits.of(row.standardError()),
                    row.n());
        }
    }

    private void train(Warehouse warehouse, PretrainConfig config, Lineage lineage) throws IOException {
        TrainConfig train = RankPlaces.prepare(warehouse, config.model(), config.train());
        int length = config.model().sequenceLength();
        var initial = new StartingPoint.Seed(config.model(), train.seed());
        try (var data = TrainingData.sequences(warehouse, config.corpora(), train, length)) {
            var validation = Validation.sequences(warehouse, config.corpora(), train);
            new Training(warehouse, modelId, config.model(), train, config.train(), lineage)
                    .run(initial, data, validation);
        }
    }

    /** @throws UserError (usage) for a setting without effect in this run */
    private void requireEffective(PretrainConfig config) {
        if (config.train().lossOn() == TrainConfig.LossOn.TARGET) {
            throw UserError.usage(
                    "train.loss-on = target has no effect in pretraining: packed sequences have no prompt and answer",
                    "Set train.loss-on=text.");
        }
        if (config.model().moe().experts() == 0) {
            for (String key : configOptions.keysSet()) {
                if (key.startsWith("model.moe.") && !key.equals("model.moe.experts")) {
                    throw UserError.usage(
                            key + " is set, but has no effect in a dense model (model.moe.experts = 0)",
                            "Leave it out, or set model.moe.experts to 1 or more.");
                }
            }
        }
    }

    private static void requireFit(CorpusRun run, PretrainConfig config, CorpusRun first) {
        if (run.vocabulary() != config.model().vocabulary()) {
            throw UserError.usage(
                    "model.vocabulary = " + config.model().vocabulary() + ", but " + run.corpus()
                            + " was tokenised with " + run.vocabulary() + " ids",
                    "Set model.vocabulary=" + run.vocabulary() + ", or tokenise again.");
        }
        if (run.sequenceLength() > config.model().sequenceLength()) {
            throw UserError.usage(
                    "model.sequence-length = " + config.model().sequenceLength() + ", but " + run.corpus()
                            + " is packed into sequences of " + run.sequenceLength(),
                    "Set model.sequence-length=" + run.sequenceLength() + " or more, or tokenise again.");
        }
        run.requireTokenizer(first.tokenizer(), "to be made, by " + first.corpus() + ",");
    }
}
