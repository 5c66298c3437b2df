package dev.uncurl.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.dl4j.NetworkStep;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.model.Loss;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.torch.TorchRequest.Optimizer;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The model against libtorch with autograd. With profile {@code peer} libtorch computes beside us; without it, the
 * answers are those that it gave before, in src/test/resources/torch (its README tells how they are made).
 *
 * <p>Two tensors agree within a tolerance when both the L2 norm and the largest magnitude of their difference are
 * within that share of the L2 norm and the largest magnitude of libtorch's tensor.
 */
class TorchParityTest {
    private static final double TOLERANCE = 1e-4;
    private static final double CURVE_TOLERANCE = 1e-3;

    private static TorchPeer peer;

    /** The mixtures that are compared; losses beside the cross-entropy have weight where they are named. */
    enum Mixture {
        DENSE(0, 1, false, 0, 0),
        TOP_1(4, 1, false, 0, 0),
        TOP_1_BALANCE_Z(4, 1, false, 0.03, 0.02),
        TOP_2(4, 2, false, 0.03, 0.02),
        TOP_2_RENORMALIZED(4, 2, true, 0.03, 0.02);

        private final MoeConfig moe;

        Mixture(int experts, int topK, boolean renormalize, double balanceLoss, double zLoss) {
            moe = new MoeConfig(experts, topK, 2, renormalize, balanceLoss, zLoss);
        }

        /** Everything random and large enough to matter, rows of different lengths. */
        TorchRequest small() {
            var config = new ModelConfig(2, 16, 2, 24, 29, 10, moe);
            var batches = Stream.of(1, 2, 3).map(seed -> batch(config, seed)).toList();
            return new TorchRequest(config, weights(config, 0.3), batches, new Optimizer(10, 1e-3, 3, 0.1, 1));
        }

        /**
         * Learning is slow on purpose. Where two experts are as good as equal, half a unit in the last place decides
         * which one a token is sent to, and later losses tell: by 1e-4 here, by more than the tolerance at six times
         * this learning rate, and between two runs of ours as between ours and libtorch's.
         */
        TorchRequest curve() throws IOException {
            var config = new ModelConfig(2, 32, 4, 64, 512, 32, moe);
            var optimizer = new Optimizer(300, 5e-4, 20, 0.1, 1);
            return new TorchRequest(config, weights(config, 0.02), text(config, optimizer.steps(), 8), optimizer);
        }
    }

    @BeforeAll
    static void start() throws IOException {
        if (TorchPeer.isPresent()) {
            peer = TorchPeer.start(1);
        }
    }

    @AfterAll
    static void stop() throws IOException {
        if (peer != null) {
            peer.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void logitsLossAndEveryGradientAreThoseOfLibtorch(Mixture mixture) throws IOException {
        var request = mixture.small();
        var config = request.config();
        var batch = request.batches().get(0);
        for (Kernels kernels : List.of(KernelChoice.best(DataType.FLOAT), new Nd4jKernels())) {
            var answer = answer("gradient", mixture, request);
            INDArray parameters = Nd4j.createFromArray(request.parameters());
            INDArray gradients = parameters.ulike();
            try (var model = SmoeLanguageModel.forTraining(kernels, config, parameters, gradients, batch.size())) {
                Loss loss = model.forwardBackward(batch);
                assertClose("cross-entropy", loss.crossEntropy(), answer.readDouble());
                assertClose("balance loss", loss.balance(), answer.readDouble());
                assertClose("z-loss", loss.z(), answer.readDouble());
                assertClose("loss", loss.total(), answer.readDouble());
                assertLogits(logProbabilities(model, batch), floats(answer, batch.size() * config.vocabulary()), batch);
            }
            float[] ours = gradients.data().asFloat();
            for (var tensor : ParameterLayout.of(config).tensors()) {
                assertClose("gradient of " + tensor.name(), slice(ours, tensor), floats(answer, tensor.length()));
            }
            assertThat(answer.read()).as("end of the answer").isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tenStepsOfAdamWEndWithTheWeightsOfLibtorch(Mixture mixture) throws IOException {
        var request = mixture.small();
        var answer = answer("weights", mixture, request);
        var network = SmoeNetwork.create(
                request.config(),
                request.optimizer().updater(),
                WeightArrays.of(request.config(), request.parameters()));
        for (int step = 0; step < request.optimizer().steps(); step++) {
            fit(network, request, step);
        }
        float[] ours = WeightArrays.array(request.config(), SmoeNetwork.parameters(network));
        for (var tensor : ParameterLayout.of(request.config()).tensors()) {
            float[] expected = floats(answer, tensor.length());
            float[] actual = slice(ours, tensor);
            if (tensor.name().endsWith("c_attn.bias")) {
                // Attention does not depend on the keys' bias: its gradient is rounding error, which AdamW makes a step
                int width = request.config().width();
                Arrays.fill(expected, width, 2 * width, 0);
                Arrays.fill(actual, width, 2 * width, 0);
            }
            assertClose("weights of " + tensor.name(), actual, expected);
        }
        assertThat(answer.read()).as("end of the answer").isEqualTo(-1);
    }

    @ParameterizedTest
    @Tag("slow")
    @EnumSource(names = {"DENSE", "TOP_1_BALANCE_Z", "TOP_2_RENORMALIZED"})
    void threeHundredStepsOnRealTextHaveTheLossesOfLibtorch(Mixture mixture) throws IOException {
        var request = mixture.curve();
        var answer = answer("losses", mixture, request);
        var network = SmoeNetwork.create(
                request.config(),
                request.optimizer().updater(),
                WeightArrays.of(request.config(), request.parameters()));
        double loss = 0;
        for (int step = 0; step < request.optimizer().steps(); step++) {
            loss = fit(network, request, step);
            double expected = answer.readDouble();
            assertThat(loss).as("loss of step %d", step).isCloseTo(expected, within(CURVE_TOLERANCE * expected));
        }
        assertThat(loss).as("after learning, from 6.3").isLessThan(5.6);
    }

    private static double fit(
            org.deeplearning4j.nn.multilayer.MultiLayerNetwork network, TorchRequest request, int step) {
        var batch = request.batches().get(step % request.batches().size());
        return new NetworkStep(network).take(batch).loss().total();
    }

    /** From the process or from its recorded answer, never from nowhere. */
    private static DataInputStream answer(String command, Mixture mixture, TorchRequest request) throws IOException {
        String name = mixture.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-') + "." + command;
        if (peer != null) {
            byte[] answer = peer.answer(command, request);
            String folder = System.getProperty("uncurl.peer.record");
            if (folder != null) {
                Files.write(Path.of(folder, name), answer);
            }
            return TorchPeer.checked(answer, request, "The peer has read another request than was written");
        }
        try (var in = TorchParityTest.class.getResourceAsStream("/torch/" + name)) {
            assertThat(in).as("recorded answer torch/%s", name).isNotNull();
            return TorchPeer.checked(
                    in.readAllBytes(),
                    request,
                    "torch/" + name + " answers another question than this test asks: record it again, see"
                            + " lib/src/test/resources/torch/README.md");
        }
    }

    private static float[] weights(ModelConfig config, double deviation) {
        var random = new Random(7);
        var layout = ParameterLayout.of(config);
        var weights = new float[(int) layout.length()];
        for (var tensor : layout.tensors()) {
            double mean = tensor.name().contains("ln_") && tensor.name().endsWith("weight") ? 1 : 0;
            for (int i = 0; i < tensor.length(); i++) {
                weights[(int) tensor.offset() + i] = (float) (mean + deviation * random.nextGaussian());
            }
        }
        return weights;
    }

    private static TokenBatch batch(ModelConfig config, int seed) {
        var random = new Random(seed);
        var sequences = IntStream.of(10, 4, 7)
                .mapToObj(length -> random.ints(length, 0, config.vocabulary()).toArray())
                .toList();
        return TokenBatch.ofSequences(sequences);
    }

    /** Consecutive pieces of a book. */
    private static List<TokenBatch> text(ModelConfig config, int batches, int rows) throws IOException {
        int length = config.sequenceLength();
        String book = Files.readString(Path.of("../test-data/cc100/fiction.txt"));
        int[] tokens = Gpt2Tokenizer.of(config.vocabulary()).encode(book.substring(0, 400_000));
        return IntStream.range(0, batches)
                .mapToObj(batch -> TokenBatch.ofSequences(IntStream.range(batch * rows, (batch + 1) * rows)
                        .mapToObj(row -> Arrays.copyOfRange(tokens, row * length, (row + 1) * length))
                        .toList()))
                .toList();
    }

    /** log softmax of the logits [N, V]: asks for every token as target, one after the other. */
    private static float[] logProbabilities(SmoeLanguageModel model, TokenBatch batch) {
        int vocabulary = model.config().vocabulary();
        var result = new float[batch.size() * vocabulary];
        for (int token = 0; token < vocabulary; token++) {
            int target = token;
            int[] targets = Arrays.stream(batch.tokens())
                    .map(id -> id == TokenBatch.NONE ? TokenBatch.NONE : target)
                    .toArray();
            model.forward(new TokenBatch(batch.tokens(), targets, batch.rows(), batch.columns()));
            float[] column = model.targetLogProbabilities();
            for (int position = 0; position < batch.size(); position++) {
                result[position * vocabulary + token] = column[position];
            }
        }
        return result;
    }

    /** Padding has logits in libtorch, of no meaning. */
    private static void assertLogits(float[] actual, float[] expected, TokenBatch batch) {
        int vocabulary = actual.length / batch.size();
        for (int position = 0; position < batch.size(); position++) {
            if (batch.tokens()[position] == TokenBatch.NONE) {
                Arrays.fill(expected, position * vocabulary, (position + 1) * vocabulary, 0);
            }
        }
        assertClose("log-probabilities", actual, expected);
    }

    private static void assertClose(String what, double actual, double expected) {
        assertThat(actual).as(what).isCloseTo(expected, within(TOLERANCE * Math.abs(expected)));
    }

    private static void assertClose(String what, float[] actual, float[] expected) {
        double[] difference = IntStream.range(0, actual.length)
                .mapToDouble(i -> (double) actual[i] - expected[i])
                .toArray();
        double[] reference =
                IntStream.range(0, actual.length).mapToDouble(i -> expected[i]).toArray();
        assertThat(norm(difference)).as(what + ", L2 norm").isLessThanOrEqualTo(TOLERANCE * norm(reference));
        assertThat(largest(difference)).as(what + ", largest").isLessThanOrEqualTo(TOLERANCE * largest(reference));
    }

    private static double norm(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(value -> value * value).sum());
    }

    private static double largest(double[] values) {
        return Arrays.stream(values).map(Math::abs).max().orElseThrow();
    }

    private static float[] slice(float[] flat, ParameterLayout.Tensor tensor) {
        return Arrays.copyOfRange(flat, (int) tensor.offset(), (int) (tensor.offset() + tensor.length()));
    }

    private static float[] floats(DataInputStream answer, long count) throws IOException {
        var values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = answer.readFloat();
        }
        return values;
    }
}
