package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;

import dev.uncurl.routing.ExpertStatistics;
import dev.uncurl.routing.RouterGram;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/**
 * Sums the rows of routing.logits to routing.gram and routing.expert_statistics. Floating-point sums depend on their
 * order, so it is fixed: within a chunk of sequences by sequence and position, then chunk by chunk. Thus the result has
 * the same bits for any number of partitions.
 */
final class RoutingAggregation {
    /** Sequences in one chunk; part of what determines the last bits of the sums. */
    private static final int CHUNK = 64;

    private final Warehouse warehouse;

    RoutingAggregation(Warehouse warehouse) {
        this.warehouse = warehouse;
    }

    /** The sums of one layer. */
    record LayerSums(int layer, long chunk, RouterGram gram, ExpertStatistics statistics) implements Serializable {}

    void write(String modelId, String manifestSha256, String task, String split, String data) {
        List<LayerSums> layers = sum(warehouse.rows(Tables.LOGITS, "model_id", modelId, "task", task, "split", split));
        var grams = new ArrayList<Row>();
        var statistics = new ArrayList<Row>();
        for (LayerSums sums : layers) {
            grams.add(RowFactory.create(
                    modelId,
                    task,
                    split,
                    sums.layer,
                    sums.gram.experts(),
                    sums.gram.tokens(),
                    sums.gram.gram(),
                    manifestSha256,
                    data));
            for (ExpertStatistics.Row row : sums.statistics.rows()) {
                statistics.add(RowFactory.create(
                        modelId,
                        task,
                        split,
                        sums.layer,
                        row.expert(),
                        row.tokens(),
                        row.fraction(),
                        row.gateMass(),
                        row.meanProbability(),
                        row.meanLogit(),
                        row.outputNorm()));
            }
        }
        put(Tables.EXPERT_STATISTICS, statistics, modelId, task, split);
        put(Tables.GRAM, grams, modelId, task, split);
    }

    private void put(Tables table, List<Row> rows, String modelId, String task, String split) {
        Dataset<Row> data =
                warehouse.spark().createDataFrame(rows, warehouse.table(table).schema());
        warehouse.replace(table, data, "model_id", modelId, "task", task, "split", split);
    }

    /** One sum per layer, in the order of layers. */
    static List<LayerSums> sum(Dataset<Row> logits) {
        List<LayerSums> chunks = logits.withColumn("chunk", expr("sequence_id div " + CHUNK))
                .select("layer", "chunk", "sequence_id", "position", "experts", "gates", "output_norms", "logits")
                .repartition(col("layer"), col("chunk"))
                .sortWithinPartitions("layer", "chunk", "sequence_id", "position")
                .toJavaRDD()
                .mapPartitions(RoutingAggregation::chunkSums)
                .collect();
        Map<Integer, LayerSums> layers = new TreeMap<>();
        chunks.stream()
                .sorted(Comparator.comparingInt(LayerSums::layer).thenComparingLong(LayerSums::chunk))
                .forEach(sums -> layers.merge(sums.layer, sums, RoutingAggregation::add));
        return List.copyOf(layers.values());
    }

    private static LayerSums add(LayerSums all, LayerSums next) {
        all.gram.merge(next.gram);
        all.statistics.merge(next.statistics);
        return all;
    }

    private static Iterator<LayerSums> chunkSums(Iterator<Row> rows) {
        var sums = new ArrayList<LayerSums>();
        LayerSums current = null;
        while (rows.hasNext()) {
            Row row = rows.next();
            int layer = row.getInt(0);
            long chunk = row.getLong(1);
            float[] logits = floats(row, 7);
            if (current == null || current.layer != layer || current.chunk != chunk) {
                int experts = logits.length;
                current = new LayerSums(layer, chunk, new RouterGram(experts), new ExpertStatistics(experts));
                sums.add(current);
            }
            current.gram.add(logits, 0);
            current.statistics.add(Examples.ints(row, "experts"), floats(row, 5), logits, floats(row, 6));
        }
        return sums.iterator();
    }

    private static float[] floats(Row row, int column) {
        List<Float> values = row.getList(column);
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i);
        }
        return floats;
    }
}
