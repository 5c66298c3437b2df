package dev.uncurl.dl4j;

import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.api.DataSet;

/** The steps of a Deeplearning4j network that {@link SmoeNetwork} made. */
public final class NetworkStep implements TrainStep {
    private final MultiLayerNetwork network;

    public NetworkStep(MultiLayerNetwork network) {
        this.network = network;
    }

    @Override
    public Result take(TokenBatch batch) {
        return take(SmoeNetwork.dataSet(batch));
    }

    /** As {@link #take(TokenBatch)}, for a batch as {@link SmoeNetwork#dataSet} gives it. */
    public Result take(DataSet batch) {
        network.fit(batch);
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        MicroBatches.Outcome outcome = layer.last();
        return new Result(
                outcome.loss(), layer.gradientNorm(), network.getLearningRate(0), outcome.routing(), outcome.fault());
    }

    /** Frees the off-heap memory of a pass now, instead of at some collection; a further step allocates it again. */
    public void release() {
        SmoeNetwork.layer(network).release();
    }
}
