package dev.uncurl.dl4j;

import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Training steps of a network that trains alone, by Deeplearning4j's fit(): the oracle of {@link RankStep}. */
public final class NetworkStep implements TrainStep {
    private final MultiLayerNetwork network;

    public NetworkStep(MultiLayerNetwork network) {
        this.network = network;
    }

    @Override
    public Result take(TokenBatch batch) {
        network.fit(SmoeNetwork.dataSet(batch));
        SmoeOutputLayer layer = SmoeNetwork.layer(network);
        MicroBatches.Outcome outcome = layer.last();
        return new Result(
                outcome.loss(), layer.gradientNorm(), network.getLearningRate(0), outcome.routing(), outcome.fault());
    }
}
