package dev.uncurl.dl4j;

import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import org.deeplearning4j.nn.api.TrainingConfig;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The language model at work in a MultiLayerNetwork. Input [B, T] token ids, labels [B, T] targets, both whole numbers with
 * -1 for none. A batch passes in the micro-batches of the configuration. The model's arena is made at the first batch,
 * for its micro-batch, and made anew only for a larger one.
 *
 * <p>fit() calls backpropGradient and then computeScore, so the one pass is made in the former and its loss kept.
 */
public final class SmoeOutputLayer extends NetworkOnlyLayer {
    private INDArray labels;
    private transient SmoeLayer bound;
    private transient SmoeLanguageModel model;
    private transient INDArray modelParameters;
    private transient INDArray modelGradients;
    private transient INDArray gradientSum;
    private transient MicroBatches.Outcome last;
    private transient boolean lossIsFresh;

    SmoeOutputLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    /** What the last batch gave, that this network saw. */
    MicroBatches.Outcome last() {
        if (last == null) {
            throw new IllegalStateException("No batch has passed the network yet");
        }
        return last;
    }

    /** L2 norm of the last gradient before clipping; 0 before the first step. */
    double gradientNorm() {
        return bound != null && bound.getIUpdater() instanceof FusedAdamW updater
                ? updater.binding().gradientNorm()[0]
                : 0;
    }

    /** The model on this network's parameters, or null before the first batch. For its routing and part times. */
    public SmoeLanguageModel model() {
        return model;
    }

    /** Frees the model's arena now instead of at some collection; the next batch makes a new one. */
    public void release() {
        if (model != null) {
            model.close();
            model = null;
            last = null;
        }
        if (gradientSum != null) {
            gradientSum.close();
            gradientSum = null;
        }
    }

    private INDArray gradientSum() {
        if (gradientSum == null) {
            gradientSum = Nd4j.createUninitialized(gradientsFlattened.dataType(), gradientsFlattened.shape());
        }
        return gradientSum;
    }

    private ModelConfig modelConfig() {
        return layerConf().modelConfig();
    }

    private void ready(int tokens, boolean training) {
        boolean sameArrays = modelParameters == paramsFlattened && modelGradients == gradientsFlattened;
        boolean trains = training || gradientsFlattened != null;
        if (model != null && sameArrays && tokens <= model.maxTokens()) {
            return;
        }
        int capacity = model == null ? tokens : Math.max(tokens, model.maxTokens());
        release();
        modelParameters = paramsFlattened;
        modelGradients = gradientsFlattened;
        model = trains
                ? SmoeLanguageModel.forTraining(modelConfig(), paramsFlattened, gradientsFlattened, capacity)
                : SmoeLanguageModel.forScoring(modelConfig(), paramsFlattened, capacity);
    }

    private void run(boolean training) {
        if (input == null || labels == null) {
            throw new IllegalStateException("The network needs token ids as input and targets as labels");
        }
        var batch =
                new MicroBatches(SmoeNetwork.batch(input, labels), layerConf().microBatch());
        ready(batch.positions(), training);
        last = training ? batch.forwardBackward(model, gradientsFlattened, this::gradientSum) : batch.forward(model);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(INDArray epsilon, LayerWorkspaceMgr workspaces) {
        run(true);
        lossIsFresh = true;
        var gradient = new DefaultGradient(gradientsFlattened);
        gradientViews.forEach(gradient::setGradientFor);
        return new Pair<>(gradient, null);
    }

    @Override
    public double computeScore(double regularization, boolean training, LayerWorkspaceMgr workspaces) {
        if (!training || !lossIsFresh) {
            run(false);
        }
        // the parameters move after this
        lossIsFresh = false;
        score = last().loss().total() + regularization;
        return score;
    }

    @Override
    public INDArray computeScoreForExamples(double regularization, LayerWorkspaceMgr workspaces) {
        throw new UnsupportedOperationException("Use SmoeLanguageModel.targetLogProbabilities for single examples");
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
        throw new UnsupportedOperationException(
                "The logits of all positions are never held at once; use SmoeLanguageModel for scoring");
    }

    /** Weight decay is decoupled from the loss. */
    @Override
    public double calcRegularizationScore(boolean backpropParametersOnly) {
        return 0;
    }

    /** The loss is a mean already. */
    @Override
    public boolean updaterDivideByMinibatch(String name) {
        return false;
    }

    /** The configuration with an updater that knows this network's parameters; the network's own stays untouched. */
    @Override
    public TrainingConfig getConfig() {
        SmoeLayer configuration = layerConf();
        if (!(configuration.getIUpdater() instanceof FusedAdamW updater)) {
            return configuration;
        }
        if (bound == null) {
            bound = configuration.clone();
            bound.setIUpdater(updater.bind(() -> paramsFlattened, ParameterLayout.of(modelConfig())));
        }
        return bound;
    }

    @Override
    public void setConf(NeuralNetConfiguration configuration) {
        super.setConf(configuration);
        bound = null;
    }

    @Override
    public void setInput(INDArray tokens, LayerWorkspaceMgr workspaces) {
        super.setInput(tokens, workspaces);
        lossIsFresh = false;
    }

    @Override
    public void setLabels(INDArray targets) {
        lossIsFresh &= targets == labels;
        labels = targets;
    }

    @Override
    public INDArray getLabels() {
        return labels;
    }

    @Override
    public boolean needsLabels() {
        return true;
    }

    @Override
    public void clear() {
        super.clear();
        labels = null;
        lossIsFresh = false;
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public Type type() {
        return Type.RECURRENT;
    }

    @Override
    public int numLabels() {
        return modelConfig().vocabulary();
    }
}
