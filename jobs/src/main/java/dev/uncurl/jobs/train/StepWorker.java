package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.NetworkStep;
import dev.uncurl.model.TrainStep;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.CollectionAccumulator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.WorkerConfiguration;
import org.deeplearning4j.spark.api.worker.NetBroadcastTuple;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingResult;
import org.deeplearning4j.spark.impl.paramavg.ParameterAveragingTrainingWorker;
import org.nd4j.linalg.dataset.api.DataSet;

/** One rank in one round: takes its steps and sends their metrics to the driver. */
final class StepWorker extends ParameterAveragingTrainingWorker {
    private static final long serialVersionUID = 1L;

    private final CollectionAccumulator<StepMetrics> metrics;

    StepWorker(
            Broadcast<NetBroadcastTuple> start,
            WorkerConfiguration configuration,
            CollectionAccumulator<StepMetrics> metrics) {
        super(start, true, configuration, null, null, null);
        this.metrics = metrics;
    }

    @Override
    public ParameterAveragingTrainingResult processMinibatch(DataSet batch, MultiLayerNetwork network, boolean isLast) {
        var step = new NetworkStep(network);
        int number = network.getIterationCount();
        TrainStep.Result result = step.take(batch);
        metrics.add(StepMetrics.of(TaskContext.getPartitionId(), number, result));
        if (!isLast) {
            return null;
        }
        step.release(); // DL4J does not use this network any more
        return getFinalResult(network);
    }
}
