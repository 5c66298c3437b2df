package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.TrainingCheckpoint;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import java.io.IOException;
import java.io.Serializable;
import org.apache.hadoop.fs.Path;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Where ranks get the parameters and moments with which they begin: each by itself, none from the driver. */
sealed interface StartingPoint extends Serializable {
    /** The parameters of the whole model; a rank reads those that it holds. */
    Weights parameters() throws IOException;

    /** Sets the moments of the parameters that a network updates. */
    void restoreMoments(MultiLayerNetwork network) throws IOException;

    /** A new model, whose parameters are a function of the seed. */
    record Seed(ModelConfig model, long seed) implements StartingPoint {
        @Override
        public Weights parameters() {
            return ModelInitialization.of(model, seed);
        }

        @Override
        public void restoreMoments(MultiLayerNetwork network) {
            // zeros, as the network makes them
        }
    }

    /** The weights of a finished model. */
    record Parent(ModelCache.Reference model) implements StartingPoint {
        @Override
        public Weights parameters() throws IOException {
            return model.open();
        }

        @Override
        public void restoreMoments(MultiLayerNetwork network) {
            // zeros, as the network makes them
        }
    }

    /** A checkpoint of this run. */
    record Checkpoint(ModelCache.Reference folder) implements StartingPoint {
        private TrainingCheckpoint open() throws IOException {
            var path = new Path(folder.folder());
            return TrainingCheckpoint.reopen(
                    path.getFileSystem(folder.hadoop().value()), path, folder.manifestSha256());
        }

        @Override
        public Weights parameters() throws IOException {
            return open().model();
        }

        @Override
        public void restoreMoments(MultiLayerNetwork network) throws IOException {
            SmoeNetwork.moments(network).write(open().moments(SmoeNetwork.updated(network)));
        }
    }
}
