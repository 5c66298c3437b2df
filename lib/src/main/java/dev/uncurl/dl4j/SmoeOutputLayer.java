package dev.uncurl.dl4j;

import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.model.BackwardProgress;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.Peers;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ElementRange;
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
 * The language model as a layer of a MultiLayerNetwork. The input is token ids [B, T], the labels are targets [B, T]; -1 means
 * none. Batches are processed in the micro-batches of the configuration. The first batch allocates the arena of the model; it is
 * allocated again only for a larger micro-batch.
 *
 * <p>fit() calls backpropGradient and then computeScore. The former runs the pass, the latter returns the loss of that pass.
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
    private transient RankPlace place = RankPlace.alone(KernelChoice.threads());
    private transient Kernels kernels;
    private transient RankArrays arrays;
    private transient BlockRanges blocks;
    private transient BackwardProgress follower = BackwardProgress.NONE;

    SmoeOutputLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    /** Makes this network one of the ranks that train a model. To be called before the network has an updater. */
    void join(RankPlace rank) {
        if (kernels != null || bound != null) {
            throw new IllegalStateException("The network has an updater already");
        }
        place = rank;
    }

    RankPlace place() {
        return place;
    }

    /** Where the blocks are in the flat parameters. */
    BlockRanges blocks() {
        if (blocks == null) {
            blocks = layerConf().blocks();
        }
        return blocks;
    }

    /** From now on learns which gradients of a batch are final, while its last micro-batch passes backward. */
    void follow(BackwardProgress progress) {
        follower = progress;
    }

    private Kernels kernels() {
        if (kernels == null) {
            kernels = place.processor().kernels(paramsFlattened.dataType(), place.threads());
        }
        return kernels;
    }

    /** The result of the last batch. */
    MicroBatches.Outcome last() {
        if (last == null) {
            throw new IllegalStateException("The network has not processed a batch yet");
        }
        return last;
    }

    /** L2 norm of the last gradient before clipping; 0 before the first step. */
    double gradientNorm() {
        return bound != null && bound.getIUpdater() instanceof FusedAdamW updater
                ? updater.binding().gradientNorm()[0]
                : 0;
    }

    /** The model, for its routing and the times of its parts; null before the first batch. */
    public SmoeLanguageModel model() {
        return model;
    }

    /** Releases the arena without waiting for garbage collection. The next batch allocates a new one. */
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
        if (arrays != null) {
            arrays.close();
            arrays = null;
        }
        if (kernels != null) {
            kernels.close();
            kernels = null;
        }
    }

    /** The parameters, gradients and moments where the kernels compute. */
    RankArrays arrays() {
        if (arrays == null || modelParameters != paramsFlattened || modelGradients != gradientsFlattened) {
            release();
            modelParameters = paramsFlattened;
            modelGradients = gradientsFlattened;
            arrays = place.processor().isHost()
                    ? RankArrays.onHost(paramsFlattened, gradientsFlattened)
                    : RankArrays.on(kernels(), paramsFlattened, gradientsFlattened);
        }
        return arrays;
    }

    private INDArray gradientSum() {
        if (gradientSum == null) {
            gradientSum = Nd4j.createUninitialized(gradientsFlattened.dataType(), gradientsFlattened.shape());
        }
        return gradientSum;
    }

    ModelConfig modelConfig() {
        return layerConf().modelConfig();
    }

    /** Bytes of moments, and of sums over micro-steps. */
    private long stateBytes(boolean summed) {
        long updated =
                place.slices(blocks()).stream().mapToLong(ElementRange::length).sum();
        return ModelSize.stateBytes(paramsFlattened.length(), updated, summed);
    }

    /** @param summed whether gradients are added up over micro-batches */
    private void prepareModel(int tokens, boolean training, boolean summed) {
        boolean sameArrays = modelParameters == paramsFlattened && modelGradients == gradientsFlattened;
        boolean trains = training || gradientsFlattened != null;
        if (model != null && sameArrays && tokens <= model.maxTokens()) {
            return;
        }
        int capacity = model == null ? tokens : Math.max(tokens, model.maxTokens());
        if (model != null) {
            model.close();
            model = null;
            last = null;
        }
        if (trains) {
            RankArrays held = arrays();
            model = SmoeLanguageModel.forTraining(
                    kernels(),
                    modelConfig(),
                    layerConf().share(),
                    held.parameters(),
                    held.gradients(),
                    stateBytes(summed),
                    place.devices().heldBytes(),
                    capacity);
        } else {
            modelParameters = paramsFlattened;
            modelGradients = gradientsFlattened;
            model = SmoeLanguageModel.forScoring(modelConfig(), paramsFlattened, capacity);
        }
    }

    /** Gives the network's own arrays what a device has. */
    void bringHome() {
        if (arrays != null) {
            arrays.bringHome();
        }
    }

    private GradientSums sums() {
        return arrays().isHost()
                ? new HostGradientSums(gradientsFlattened, this::gradientSum)
                : new DeviceGradientSums(kernels(), arrays());
    }

    private void run(boolean training) {
        if (input == null || labels == null) {
            throw new IllegalStateException("The network needs token ids as input and targets as labels");
        }
        TokenBatch sequences = SmoeNetwork.batch(input, labels);
        var batch = training
                ? new MicroBatches(
                        sequences, place.rows(sequences.rows(), layerConf().microBatch()), place.peers())
                : new MicroBatches(
                        sequences,
                        RankPlace.alone(place.threads())
                                .rows(sequences.rows(), layerConf().microBatch()),
                        Peers.NONE);
        prepareModel(batch.positions(), training, batch.steps() > 1);
        last = training
                ? batch.forwardBackward(model, new MicroBatches.Gradients(sums(), this::blocks), follower)
                : batch.forward(model);
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
        // the parameters change after this call
        lossIsFresh = false;
        score = last().loss().total() + regularization;
        return score;
    }

    /** A copy of the configuration whose updater is bound to the parameters; the configuration of the network is not changed. */
    @Override
    public TrainingConfig getConfig() {
        SmoeLayer configuration = layerConf();
        if (!(configuration.getIUpdater() instanceof FusedAdamW updater)) {
            return configuration;
        }
        if (bound == null) {
            bound = configuration.clone();
            ParameterLayout layout = configuration.layout();
            bound.setIUpdater(updater.bind(
                    this::arrays,
                    layout,
                    place.slices(configuration.blocks()),
                    () -> kernels().adamW(),
                    place::sum));
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
    public void clear() {
        super.clear();
        labels = null;
        lossIsFresh = false;
    }

    @Override
    public int numLabels() {
        return modelConfig().vocabulary();
    }
}
