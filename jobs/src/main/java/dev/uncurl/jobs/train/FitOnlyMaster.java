package dev.uncurl.jobs.train;

import java.util.Collection;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.deeplearning4j.core.loader.MultiDataSetLoader;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.spark.api.TrainingHook;
import org.deeplearning4j.spark.api.TrainingMaster;
import org.deeplearning4j.spark.api.TrainingResult;
import org.deeplearning4j.spark.api.TrainingWorker;
import org.deeplearning4j.spark.api.stats.SparkTrainingStats;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A training master for SparkDl4jMultiLayer.fit(JavaRDD) alone: the other methods of DL4J's interface throw or do nothing. */
abstract class FitOnlyMaster implements TrainingMaster<TrainingResult, TrainingWorker<TrainingResult>> {
    private static UnsupportedOperationException notFit() {
        return new UnsupportedOperationException("This training master supports SparkDl4jMultiLayer.fit(JavaRDD) only");
    }

    @Override
    public final void executeTraining(SparkComputationGraph graph, JavaRDD<DataSet> data) {
        throw notFit();
    }

    @Override
    public final void executeTrainingMDS(SparkComputationGraph graph, JavaRDD<MultiDataSet> data) {
        throw notFit();
    }

    @Override
    public final void executeTrainingPaths(
            SparkDl4jMultiLayer network,
            SparkComputationGraph graph,
            JavaRDD<String> paths,
            DataSetLoader loader,
            MultiDataSetLoader multiLoader) {
        throw notFit();
    }

    @Override
    public final TrainingWorker<TrainingResult> getWorkerInstance(SparkDl4jMultiLayer network) {
        throw notFit();
    }

    @Override
    public final TrainingWorker<TrainingResult> getWorkerInstance(SparkComputationGraph graph) {
        throw notFit();
    }

    @Override
    public final void addHook(TrainingHook hook) {
        throw notFit();
    }

    @Override
    public final void removeHook(TrainingHook hook) {
        throw notFit();
    }

    @Override
    public final String toJson() {
        throw notFit();
    }

    @Override
    public final String toYaml() {
        throw notFit();
    }

    @Override
    public final void setCollectTrainingStats(boolean collect) {
        throw notFit();
    }

    @Override
    public final boolean getIsCollectTrainingStats() {
        return false;
    }

    @Override
    public final SparkTrainingStats getTrainingStats() {
        throw notFit();
    }

    @Override
    public final void setListeners(Collection<TrainingListener> listeners) {
        throw notFit();
    }

    @Override
    public final void setListeners(StatsStorageRouter router, Collection<TrainingListener> listeners) {
        throw notFit();
    }

    @Override
    public final boolean deleteTempFiles(JavaSparkContext context) {
        return true;
    }

    @Override
    public final boolean deleteTempFiles(SparkContext context) {
        return true;
    }
}
