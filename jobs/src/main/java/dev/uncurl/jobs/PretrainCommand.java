package dev.uncurl.jobs;

import dev.uncurl.checkpoint.Lineage;
import dev.uncurl.config.PretrainConfig;
import dev.uncurl.config.Settings;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.Refusal;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.ModelSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit pretrain --model demo-pretrained --config train/demo-pretrain}. */
@Command(
        name = "pretrain",
        description = "Trains a model from scratch on packed sequences, and compares it with a unigram model.",
        footer = {"", "  jobs/submit pretrain --model base --config train/demo-pretrain --set train.tokens=200000"})
final class PretrainCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(names = "--model", paramLabel = "ID", required = true, description = "Name of the model to make.")
    private String modelId;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        PretrainConfig config = configOptions.bind(PretrainConfig.class);
        if (configOptions.onlyPrint()) {
            return 0;
        }
        Warehouse.checkName("model", modelId);
        ModelSize.checkTraining(config.model(), config.train());
        Warehouse warehouse = warehouseOptions.open();
        String corpora = String.join("+", config.corpora());
        List<CorpusRun> runs = CorpusRun.ofAll(warehouse, corpora);
        runs.forEach(run -> requireFit(run, config, runs.get(0)));
        var inputs = new TreeMap<String, String>();
        inputs.put("model", Settings.json(config.model()));
        inputs.put("train", config.train().inputs());
        inputs.put("data", CorpusRun.ids(runs));
        inputs.put("tokenizer", runs.get(0).tokenizer());
        Lineage lineage = Lineage.here(null, "pretrain", inputs, RecordedCommand.of(spec), Backend.name());
        try (var hold = warehouse.hold("model-" + modelId)) {
            if (new Models(warehouse).isMade(modelId, inputs)) {
                new Checkpoints(warehouse, modelId, config.train().checkpoint()).finish();
            } else {
                train(warehouse, config, lineage);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (Row row : new Evaluation(warehouse).evaluate(modelId, corpora, "validation", 0)) {
            System.out.printf(
                    Locale.ROOT,
                    "%s, validation %s: %s +- %s nats per token (n = %,d)%n",
                    modelId,
                    row.<String>getAs("metric").replace("_per_token", "").replace('_', ' '),
                    Digits.of(row.<Double>getAs("value")),
                    Digits.of(row.<Double>getAs("standard_error")),
                    row.<Long>getAs("n"));
        }
        return 0;
    }

    private void train(Warehouse warehouse, PretrainConfig config, Lineage lineage) throws IOException {
        TrainConfig train = config.train();
        int length = config.model().sequenceLength();
        float[] initial = ModelInitialization.initialize(config.model(), train.seed());
        try (var data = TrainingData.sequences(warehouse, config.corpora(), train, length)) {
            var validation = Validation.sequences(warehouse, config.corpora(), train);
            new Training(warehouse, modelId, config.model(), train, lineage).run(initial, data, validation);
        }
    }

    private static void requireFit(CorpusRun run, PretrainConfig config, CorpusRun first) {
        if (run.vocabulary() != config.model().vocabulary()) {
            throw Refusal.usage(
                    "model.vocabulary = " + config.model().vocabulary() + ", but " + run.corpus()
                            + " was tokenised with " + run.vocabulary() + " ids",
                    "Set model.vocabulary=" + run.vocabulary() + ", or tokenise again.");
        }
        if (run.sequenceLength() > config.model().sequenceLength()) {
            throw Refusal.usage(
                    "model.sequence-length = " + config.model().sequenceLength() + ", but " + run.corpus()
                            + " is packed into sequences of " + run.sequenceLength(),
                    "Set model.sequence-length=" + run.sequenceLength() + " or more, or tokenise again.");
        }
        run.requireTokenizer(first.tokenizer(), "to be made, by " + first.corpus() + ",");
    }
}
