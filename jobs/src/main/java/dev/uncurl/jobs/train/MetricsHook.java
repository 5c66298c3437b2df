package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.dl4j.SmoeOutputLayer;
import dev.uncurl.model.Loss;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Arrays;
import org.apache.spark.TaskContext;
import org.apache.spark.util.CollectionAccumulator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.spark.api.TrainingHook;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Tells the driver of every step that a rank takes, and frees the network's arena after the last of a round. */
final class MetricsHook implements TrainingHook {
    private static final long serialVersionUID = 1L;

    private final CollectionAccumulator<StepMetrics> metrics;
    private final int[] moeLayers;
    private final int averagingFrequency;

    MetricsHook(CollectionAccumulator<StepMetrics> metrics, ModelConfig model, int averagingFrequency) {
        this.metrics = metrics;
        this.moeLayers = model.moeLayers();
        this.averagingFrequency = averagingFrequency;
    }

    @Override
    public void postUpdate(DataSet batch, Model model) {
        var network = (MultiLayerNetwork) model;
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        Loss loss = layer.lastLoss();
        int iteration = network.getIterationCount() - 1; // already counts this step
        metrics.add(new StepMetrics(
                TaskContext.getPartitionId(),
                iteration,
                loss.crossEntropy(),
                loss.predicted(),
                loss.balance(),
                layer.lastGradientNorm(),
                network.getLearningRate(0),
                Arrays.stream(moeLayers).mapToObj(layer::expertTokens).toArray(int[][]::new),
                Arrays.stream(moeLayers).map(layer::droppedAssignments).toArray(),
                layer.lastFault()));
        if (network.getIterationCount() % averagingFrequency == 0) {
            layer.release(); // DL4J drops this network now; its off-heap arena would wait for a collection
        }
    }

    @Override
    public void preUpdate(DataSet batch, Model model) {}

    @Override
    public void preUpdate(MultiDataSet batch, Model model) {}

    @Override
    public void postUpdate(MultiDataSet batch, Model model) {}
}
