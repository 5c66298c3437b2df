package dev.uncurl.jobs.routing;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.floor;

import dev.uncurl.checkpoint.ModelFolder;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.spark.Progress;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.model.spec.ExpertShare;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;

/** Runs a model whose experts are divided among ranks over the sequences of a dump. */
final class DumpRanks {
    private static final String OPTION = "--expert-parallel";

    private final Warehouse warehouse;
    private final ModelFolder model;
    private final DumpSequences inputs;
    private final int expertParallel;
    private final RankStage stage;

    DumpRanks(Warehouse warehouse, ModelFolder model, DumpSequences inputs, int expertParallel) {
        this.warehouse = warehouse;
        this.model = model;
        this.inputs = inputs;
        this.expertParallel = expertParallel;
        stage = RankStage.of(warehouse.context().sc(), expertParallel, OPTION);
        ExpertShare.check(model.config(), stage.ranks(), "the number of ranks", expertParallel, OPTION);
    }

    /**
     * @param work of a rank, given the division of the model
     * @param taker gets the results of all ranks, in no order, when all have ended
     * @throws dev.uncurl.error.UserError of a rank
     */
    <R> void run(
            Function<DividedModel.Division, RankStage.Work<Row, List<RoutingWindows.Sequence>, R>> work,
            Consumer<R> taker,
            LongAccumulator done,
            Progress progress) {
        var chunking = RoutingWindows.Chunking.of(inputs, model.config());
        // by hash: a range may leave fewer partitions than ranks
        RDD<Row> rows = inputs.rows()
                .withColumn("chunk", floor(col("sequence_id").divide(chunking.span())))
                .repartition(stage.partitions(), col("chunk"))
                .sortWithinPartitions("sequence_id")
                .drop("chunk")
                .toJavaRDD()
                .rdd();
        var division =
                new DividedModel.Division(ModelCache.Reference.of(warehouse, model), expertParallel, stage.slots());
        stage.run("dump", rows, work.apply(division), done, progress).forEach(taker);
    }
}
