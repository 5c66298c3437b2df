package dev.uncurl.jobs.routing;

import dev.uncurl.collective.Collectives;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.spark.SparkWork;
import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.row.LogitsRow;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.RoutingView;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.routing.RoutedToken;
import dev.uncurl.routing.RoutingSums;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/**
 * One Spark task of a dump: runs the model on its sequences, writes the routing of each token into one data file per
 * layer, in the order of sequences and positions, and adds up the same rows.
 */
final class RoutingPass {
    /** The data files, which are not in the table until the driver commits them, and the sums by layer. */
    record Result(List<DataFile> files, Map<Integer, RoutingSums> sums) implements Serializable {}

    /**
     * The input of every Spark task.
     *
     * @param table routing.logits
     * @param done counts tokens
     */
    record TaskSpec(
            RoutingKey key,
            ModelCache.Reference model,
            Table table,
            RoutingWindows.Chunking chunking,
            LongAccumulator done)
            implements SparkWork.PartitionWork<Row, Result> {
        @Override
        public Result of(Iterator<Row> rows) throws IOException {
            ModelCache.Loaded loaded = model.load();
            int batch = RoutingWindows.BATCH * loaded.config().sequenceLength();
            try (var processor = TaskProcessor.open();
                    var language = OnProcessor.forScoring(processor, loaded.config(), loaded.parameters(), batch)) {
                return new RoutingPass(this, language).run(new RoutingWindows(rows, chunking));
            }
        }
    }

    /**
     * A rank of those that divide the experts of the model. Logits are then those of one process apart from rounding.
     *
     * @param task its model is not used
     */
    record DividedSpec(TaskSpec task, DividedModel.Division division)
            implements RankStage.Work<Row, List<RoutingWindows.Sequence>, Result> {
        @Override
        public Iterator<List<RoutingWindows.Sequence>> units(Iterator<Row> rows) {
            return new RoutingWindows(rows, task.chunking);
        }

        @Override
        public Result run(Collectives ranks, Iterator<List<RoutingWindows.Sequence>> windows) throws IOException {
            try (var divided = division.load(ranks, RoutingWindows.BATCH)) {
                Result result = new RoutingPass(task, divided.model()).run(windows);
                divided.model().joinPasses();
                return result;
            }
        }
    }

    private final TaskSpec spec;
    private final SmoeLanguageModel model;
    private final int[] layers;
    private final Map<Integer, DataFileWriter<LogitsRow>> outputs = new TreeMap<>();
    private final Map<Integer, RoutingSums> sums = new HashMap<>();

    private RoutingPass(TaskSpec spec, SmoeLanguageModel model) {
        this.spec = spec;
        this.model = model;
        layers = model.config().moeLayers();
    }

    private Result run(Iterator<List<RoutingWindows.Sequence>> windows) throws IOException {
        try {
            while (windows.hasNext()) {
                List<RoutingWindows.Sequence> window = windows.next();
                var routed = new HashMap<Long, RoutedToken[][]>();
                for (List<RoutingWindows.Sequence> batch : RoutingWindows.batches(window)) {
                    pass(batch, routed);
                }
                for (RoutingWindows.Sequence sequence : window) {
                    write(sequence, routed.remove(sequence.id()));
                    spec.done.add(sequence.tokens().length);
                }
            }
            var files = new ArrayList<DataFile>();
            for (DataFileWriter<LogitsRow> output : outputs.values()) {
                files.add(output.end());
            }
            return new Result(files, sums);
        } finally {
            for (DataFileWriter<LogitsRow> output : outputs.values()) {
                output.close();
            }
        }
    }

    /** Puts the routing of each sequence [layer, position] into {@code routed}, by its id. */
    private void pass(List<RoutingWindows.Sequence> batch, Map<Long, RoutedToken[][]> routed) {
        TokenBatch tokens = RoutingWindows.tokens(batch);
        model.forward(tokens);
        for (RoutingWindows.Sequence sequence : batch) {
            routed.put(sequence.id(), new RoutedToken[layers.length][]);
        }
        for (int l = 0; l < layers.length; l++) {
            RoutingView view = model.routing(layers[l]);
            for (int r = 0; r < batch.size(); r++) {
                RoutingWindows.Sequence sequence = batch.get(r);
                routed.get(sequence.id())[l] = routing(view, r * tokens.columns(), sequence.tokens());
            }
        }
    }

    private static RoutedToken[] routing(RoutingView view, int first, int[] tokens) {
        var routed = new RoutedToken[tokens.length];
        for (int position = 0; position < tokens.length; position++) {
            int token = first + position;
            int[] experts = new int[view.topK()];
            float[] gates = new float[experts.length];
            float[] norms = new float[experts.length];
            for (int choice = 0; choice < experts.length; choice++) {
                experts[choice] = view.expert(token, choice);
                gates[choice] = view.gate(token, choice);
                norms[choice] = view.outputNorm(token, choice);
            }
            float[] logits = new float[view.experts()];
            for (int expert = 0; expert < logits.length; expert++) {
                logits[expert] = view.logit(token, expert);
            }
            int previous = position == 0 ? -1 : routed[position - 1].experts()[0];
            routed[position] =
                    new RoutedToken(tokens[position], position, tokens.length, previous, experts, gates, norms, logits);
        }
        return routed;
    }

    private void write(RoutingWindows.Sequence sequence, RoutedToken[][] routed) {
        for (int l = 0; l < layers.length; l++) {
            int experts = model.routing(layers[l]).experts();
            DataFileWriter<LogitsRow> output = outputs.computeIfAbsent(layers[l], this::open);
            RoutingSums sum = sums.computeIfAbsent(layers[l], layer -> new RoutingSums(experts));
            for (RoutedToken token : routed[l]) {
                sum.add(token);
                output.add(row(spec.key, layers[l], sequence.id(), token));
            }
        }
    }

    private DataFileWriter<LogitsRow> open(int layer) {
        RoutingKey key = spec.key;
        String name = key.id() + "-" + layer + "-" + UUID.randomUUID();
        return new DataFileWriter<>(LogitsRow.class, spec.table, name, key.modelId(), key.task(), key.split(), layer);
    }

    /** A row of routing.logits. */
    static LogitsRow row(RoutingKey key, int layer, long sequence, RoutedToken token) {
        return new LogitsRow(
                key.modelId(),
                key.task(),
                key.split(),
                layer,
                sequence,
                token.position(),
                token.sequenceLength(),
                token.tokenId(),
                token.previousExpert() < 0 ? Optional.empty() : Optional.of(token.previousExpert()),
                token.experts(),
                token.gates(),
                token.outputNorms(),
                token.logits());
    }
}
