package dev.uncurl.dl4j;

import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.api.DataSet;

/** Training steps of a Deeplearning4j network of {@link SmoeNetwork}. */
public final class NetworkStep implements TrainStep {
    private final MultiLayerNetwork network;

    public NetworkStep(MultiLayerNetwork network) {
        this.network = network;
    }

    @Override
    public Result take(TokenBatch batch) {
        return take(SmoeNetwork.dataSet(batch));
    }

    /** As {@link #take(TokenBatch)}. @param batch result of {@link SmoeNetwork#dataSet} */
    public Result take(DataSet batch) {
        network.fit(batch);
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        MicroBatches.Outcome outcome = layer.last();
        return new Result(
                outcome.loss(), layer.gradientNorm(), network.getLearningRate(0), outcome.routing(), outcome.fault());
    }

    /** Releases the off-heap memory of a pass without waiting for garbage collection. The next step allocates it again. */
    public void release() {
        SmoeNetwork.layer(network).release();
    }
}
