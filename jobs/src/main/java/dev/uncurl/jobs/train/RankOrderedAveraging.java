package dev.uncurl.jobs.train;

import java.io.Serializable;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.CollectionAccumulator;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.RDDTrainingApproach;
import org.deeplearning4j.spark.api.Repartition;
import org.deeplearning4j.spark.api.WorkerConfiguration;
import org.deeplearning4j.spark.api.worker.NetBroadcastTuple;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingMaster;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingResult;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingWorker;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * DL4J's parameter averaging with sums in the order of the ranks. DL4J itself adds results in the order of arrival, so
 * with three or more ranks, two runs may differ in rounding.
 */
final class RankOrderedAveraging extends ParameterAveragingTrainingMaster {
    private final transient CollectionAccumulator<StepMetrics> metrics;

    /**
     * @param ranks partitions of each RDD that is fitted; each partition is one worker
     * @param batch sequences in each DataSet of the RDD
     * @param averagingFrequency DataSets per rank and round
     * @param metrics receives every step of every rank
     */
    RankOrderedAveraging(int ranks, int batch, int averagingFrequency, CollectionAccumulator<StepMetrics> metrics) {
        super(new Builder(ranks, batch)
                .batchSizePerWorker(batch)
                .averagingFrequency(averagingFrequency)
                .saveUpdater(true)
                .workerPrefetchNumBatches(0)
                .rddTrainingApproach(RDDTrainingApproach.Direct)
                .repartionData(Repartition.Never)
                .storageLevel(null));
        this.metrics = metrics;
    }

    @Override
    public ParameterAveragingTrainingWorker getWorkerInstance(SparkDl4jMultiLayer spark) {
        MultiLayerNetwork network = spark.getNetwork();
        var start = new NetBroadcastTuple(
                network.getLayerWiseConfigurations(),
                network.params(),
                network.getUpdater().getStateViewArray());
        var configuration = new WorkerConfiguration(
                false, rddDataSetNumExamples, batchSizePerWorker, averagingFrequency, prefetchNumBatches, false);
        return new StepWorker(spark.getSparkContext().broadcast(start), configuration, metrics);
    }

    @Override
    protected void processResults(
            SparkDl4jMultiLayer spark,
            SparkComputationGraph graph,
            JavaRDD<ParameterAveragingTrainingResult> results,
            int split,
            int splits) {
        List<RankResult> byRank = results.map(RankResult::of).collect();
        float[] parameters = byRank.get(0).parameters;
        float[] state = byRank.get(0).state;
        double score = byRank.get(0).score;
        for (RankResult result : byRank.subList(1, byRank.size())) {
            add(parameters, result.parameters);
            add(state, result.state);
            score += result.score;
        }
        divide(parameters, byRank.size());
        divide(state, byRank.size());
        MultiLayerNetwork network = spark.getNetwork();
        network.setParameters(row(parameters));
        network.getUpdater().setStateViewArray(network, row(state), false);
        spark.setScore(score / byRank.size());
        MultiLayerConfiguration configuration = network.getLayerWiseConfigurations();
        configuration.setIterationCount(configuration.getIterationCount() + averagingFrequency);
    }

    /**
     * The result that a rank sends to the driver, as plain arrays, which are serialised without intermediate copies.
     */
    private record RankResult(float[] parameters, float[] state, double score) implements Serializable {
        static RankResult of(ParameterAveragingTrainingResult result) {
            return new RankResult(
                    result.getParameters().data().asFloat(),
                    result.getUpdaterState().data().asFloat(),
                    result.getScore());
        }
    }

    private static void add(float[] sum, float[] next) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += next[i];
        }
    }

    private static void divide(float[] sum, int ranks) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] /= ranks;
        }
    }

    private static INDArray row(float[] values) {
        return Nd4j.createFromArray(values).reshape(1, values.length);
    }
}
