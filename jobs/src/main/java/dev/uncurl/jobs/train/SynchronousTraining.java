package dev.uncurl.jobs.train;

import dev.uncurl.collective.Collectives;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.jobs.cluster.BarrierStage;
import dev.uncurl.jobs.cluster.ClusterPlugin;
import dev.uncurl.jobs.cluster.StepReport;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.cluster.ThreadRanks;
import dev.uncurl.processor.Processor;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.nd4j.linalg.dataset.DataSet;

/**
 * A training master of Deeplearning4j that runs one segment as one Spark stage, whose ranks train synchronously. In local mode
 * the stage is one task, and ranks are its threads; on a cluster it is a barrier stage with a task for each rank.
 *
 * <p>The RDD has one sequence per DataSet. Its partitions are those of {@link #division}: all sequences in their order, or those
 * of each rank. The driver's network has the configuration alone; parameters stay with the ranks.
 */
final class SynchronousTraining extends FitOnlyMaster {
    private final transient Segment segment;
    private transient List<RankOutcome> outcomes;

    SynchronousTraining(Segment segment) {
        this.segment = segment;
    }

    /** The division of a step's sequences among the partitions of the RDD. */
    static StepShares division(StepShares shares, boolean local) {
        return local ? new StepShares(shares.batch(), 1, shares.batch()) : shares;
    }

    /** What the ranks returned, by rank. */
    List<RankOutcome> outcomes() {
        return outcomes;
    }

    @Override
    public void executeTraining(SparkDl4jMultiLayer spark, JavaRDD<DataSet> sequences) {
        var context = spark.getSparkContext();
        String configuration = spark.getNetwork().getLayerWiseConfigurations().toJson();
        int slots = context.isLocal()
                ? context.defaultParallelism()
                : segment.train().ranks();
        Broadcast<Stage> stage = context.broadcast(new Stage(segment, configuration, slots));
        try {
            List<RankOutcome> all = context.isLocal()
                    ? sequences
                            .mapPartitions(part -> threads(stage.value(), part))
                            .collect()
                    : BarrierStage.run(
                            sequences.rdd(),
                            segment.deadline(),
                            (ranks, part) -> rank(stage.value(), ranks, part),
                            outcomes -> outcomes.toJavaRDD().collect());
            outcomes = all.stream()
                    .sorted(Comparator.comparingInt(RankOutcome::rank))
                    .toList();
        } finally {
            stage.destroy();
        }
    }

    /** What each task gets. */
    private record Stage(Segment segment, String configuration, int slots) implements Serializable {
        RankOutcome run(Collectives ranks, StepShare.Source shares) throws Exception {
            try (Processor processor = TaskProcessor.open(ranks.rank())) {
                return new RankRun(segment, ranks, processor).run(configuration, shares, slots, step -> {
                    if (ranks.rank() == 0) {
                        ClusterPlugin.report(report(step));
                    }
                });
            }
        }

        private StepReport report(StepMetrics step) {
            return new StepReport(
                    segment.what(),
                    0,
                    step.step(),
                    step.crossEntropy(),
                    step.times().seconds(),
                    Follower.measures(step));
        }
    }

    private static Iterator<RankOutcome> threads(Stage stage, Iterator<DataSet> sequences) throws Exception {
        StepShares shares = stage.segment().shares();
        var shared = new SharedSteps(sequences, shares);
        return ThreadRanks.run(
                        shares.ranks(), stage.segment().deadline(), ranks -> stage.run(ranks, shared.of(ranks.rank())))
                .iterator();
    }

    private static RankOutcome rank(Stage stage, Collectives ranks, Iterator<DataSet> sequences) throws Exception {
        int own = IntStream.of(stage.segment().shares().rows(ranks.rank())).sum();
        return stage.run(ranks, () -> next(sequences, own));
    }

    private static StepShare next(Iterator<DataSet> sequences, int count) {
        var share = new ArrayList<DataSet>();
        for (int i = 0; i < count; i++) {
            share.add(sequences.next());
        }
        return StepShare.of(share);
    }
}
