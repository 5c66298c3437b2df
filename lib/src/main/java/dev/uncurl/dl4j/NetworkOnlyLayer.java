package dev.uncurl.dl4j;

import java.util.List;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * An output layer that can only be used in a network: the methods of DL4J's interface for single classifiers throw. What DL4J asks of
 * every layer, and has one answer here, is answered.
 */
abstract class NetworkOnlyLayer extends BaseLayer<SmoeLayer> implements IOutputLayer {
    NetworkOnlyLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    private static UnsupportedOperationException notAClassifier() {
        return new UnsupportedOperationException("This layer can only be used through its network");
    }

    @Override
    public final double f1Score(DataSet data) {
        throw notAClassifier();
    }

    @Override
    public final double f1Score(INDArray examples, INDArray targets) {
        throw notAClassifier();
    }

    @Override
    public final int[] predict(INDArray examples) {
        throw notAClassifier();
    }

    @Override
    public final List<String> predict(DataSet data) {
        throw notAClassifier();
    }

    @Override
    public final void fit(DataSetIterator data) {
        throw notAClassifier();
    }

    @Override
    public final void fit(DataSet data) {
        throw notAClassifier();
    }

    @Override
    public final void fit(INDArray examples, INDArray targets) {
        throw notAClassifier();
    }

    @Override
    public final void fit(INDArray examples, int[] targets) {
        throw notAClassifier();
    }

    @Override
    public final INDArray computeScoreForExamples(double regularization, LayerWorkspaceMgr workspaces) {
        throw new UnsupportedOperationException("Use SmoeLanguageModel.targetLogProbabilities for single examples");
    }

    @Override
    public final INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        throw new UnsupportedOperationException(
                "The logits of all positions are never in memory together; use SmoeLanguageModel for scoring");
    }

    /** 0, because weight decay is decoupled from the loss. */
    @Override
    public final double calcRegularizationScore(boolean backpropParametersOnly) {
        return 0;
    }

    /** False, because the loss is already a mean. */
    @Override
    public final boolean updaterDivideByMinibatch(String name) {
        return false;
    }

    @Override
    public final boolean needsLabels() {
        return true;
    }

    @Override
    public final boolean isPretrainLayer() {
        return false;
    }

    @Override
    public final Type type() {
        return Type.RECURRENT;
    }
}
