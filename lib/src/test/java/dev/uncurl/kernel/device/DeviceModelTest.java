package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import dev.uncurl.kernel.vector.VectorKernels;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models on an emulated GPU against the same models on the CPU's kernels. */
@Tag("slow")
class DeviceModelTest {
    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    static Iterable<String> names() {
        return ModelRun.configs().keySet();
    }

    private static Map<String, double[]> answers(Kernels kernels, ModelConfig config) {
        try (kernels;
                var run = new ModelRun(kernels, config)) {
            return run.answers();
        }
    }

    /** The largest difference as a part of the largest value. */
    static double difference(double[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double scale =
                Math.max(1e-12, Arrays.stream(expected).map(Math::abs).max().orElse(1));
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs(actual[i] - expected[i]) / scale;
            largest =
                    difference <= largest ? largest : Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
        }
        return largest;
    }

    @ParameterizedTest
    @MethodSource("names")
    void lossesGradientsAndTwentyStepsAgreeWithTheCpu(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        Map<String, double[]> expected = answers(new VectorKernels(), config);
        try (var device = StandIn.open()) {
            Map<String, double[]> actual = answers(new DeviceKernels(device), config);
            expected.forEach((what, values) -> assertThat(difference(actual.get(what), values))
                    .as(what)
                    .isLessThan(what.equals("parameters") ? 5e-4 : 2e-5));
            assertThat(StandIn.blocks()).as("blocks of memory left behind").isZero();
        }
    }

    /** Attention in tensor cores, which do not round here. */
    @Test
    void trainingWithAttentionInTensorCoresAgreesToo() {
        ModelConfig config = ModelRun.configs().get("dense");
        Map<String, double[]> expected = answers(new VectorKernels(), config);
        try (var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.TF32)) {
            Map<String, double[]> actual = answers(new DeviceKernels(device), config);
            assertThat(difference(actual.get("gradient"), expected.get("gradient")))
                    .isLessThan(2e-5);
            assertThat(difference(actual.get("losses of steps"), expected.get("losses of steps")))
                    .isLessThan(2e-5);
        }
    }

    /**
     * Products and attention in bfloat16, rounded as a GPU does: the losses of twenty steps are within a thousandth of those in
     * 32-bit floats, and not the same.
     */
    @ParameterizedTest
    @ValueSource(strings = {"dense", "zeroed"})
    void lossesInBfloat16AreWithinAThousandthOfThoseInFloats(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        Map<String, double[]> expected = answers(new VectorKernels(), config);
        try (var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16)) {
            Map<String, double[]> actual = answers(new DeviceKernels(device), config);
            double[] losses = expected.get("losses of steps");
            assertThat(losses[ModelRun.STEPS - 1]).isLessThan(losses[0] - 0.1);
            for (int step = 0; step < losses.length; step++) {
                double off = Math.abs(actual.get("losses of steps")[step] / losses[step] - 1);
                assertThat(off).as("step %d", step).isLessThan(1e-3);
            }
            assertThat(DeviceKernelsTest.partOfNorm(actual.get("gradient"), expected.get("gradient")))
                    .isBetween(1e-5, 0.05);
            assertThat(DeviceKernelsTest.partOfNorm(actual.get("branches"), expected.get("branches")))
                    .isBetween(1e-6, 0.01);
        }
    }

    /**
     * Nothing else writes them rounded: the gradient of attention's output in each block, the gradient of the stream that comes from
     * the head, if the last block is dense, and in the first step the weights, all at once.
     */
    @ParameterizedTest
    @MethodSource("names")
    void onlyWhatProductsAndTheHeadWriteIsRoundedByItself(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        try (var device = new MeteredDevice(StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16));
                var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, config)) {
            run.step(0);
            long ofStep = config.layers() + (config.isMoe(config.layers() - 1) ? 0 : 1);
            assertThat(device.calls("roundToBf16")).isEqualTo(ofStep + 1);
            assertThat(device.calls("product, router")).isEqualTo(3L * config.moeLayers().length);
            device.reset();
            run.step(1);
            assertThat(device.calls("roundToBf16")).isEqualTo(ofStep);
        }
    }

    /** Two products of an expert forward and four backward, each together with those of the other experts of the block. */
    @ParameterizedTest
    @ValueSource(strings = {"top-1 of 8", "top-2 of 5, capacity 1"})
    void theProductsOfABlocksExpertsAreSixCalls(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        try (var device = new MeteredDevice(StandIn.open());
                var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, config)) {
            run.step(0);
            int blocks = config.moeLayers().length;
            assertThat(device.calls("products, grouped")).isEqualTo(6L * blocks);
            // of attention and of the head; and of feed-forward networks of blocks without experts
            long others = 3L * 2 * config.layers() + 6L * (config.layers() - blocks);
            assertThat(device.calls("product, other")).isEqualTo(others + 3);
        }
    }

    /** Whether the products of experts are computed together or one by one: of sizes that allow both, and of others. */
    @ParameterizedTest
    @ValueSource(strings = {"top-1 of 8", "top-2 of 5, capacity 1"})
    void groupedProductsGiveTheSameBits(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        try (var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16)) {
            double[] together = threeSteps(new DeviceKernels(device), config);
            assertThat(threeSteps(KernelsWithout.groups(new DeviceKernels(device)), config))
                    .isEqualTo(together);
            assertThat(StandIn.blocks()).as("blocks of memory left behind").isZero();
        }
    }

    /** The parameters after them. */
    private static double[] threeSteps(Kernels kernels, ModelConfig config) {
        try (kernels;
                var run = new ModelRun(kernels, config)) {
            for (int step = 0; step < 3; step++) {
                run.step(step);
            }
            return run.parameters();
        }
    }

    @Test
    void theSameStepsGiveTheSameBitsWhicheverWarpGoesFirst() {
        ModelConfig config = ModelRun.configs().get("mapped");
        try (var device = StandIn.open()) {
            Map<String, double[]> ascending = answers(new DeviceKernels(device), config);
            StandIn.threads(64, true);
            Map<String, double[]> descending = answers(new DeviceKernels(device), config);
            ascending.forEach(
                    (what, values) -> assertThat(descending.get(what)).as(what).isEqualTo(values));
        }
    }

    /** What the device allocates, it allocates in the first steps. */
    @Test
    void theMemoryOfATrainingRunDoesNotGrow() {
        ModelConfig config = ModelRun.configs().get("top-1 of 8");
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, config)) {
            run.step(0);
            run.step(1);
            long blocks = StandIn.blocks();
            for (int step = 2; step < 12; step++) {
                run.step(step);
            }
            assertThat(StandIn.blocks()).isEqualTo(blocks);
        }
    }

    /**
     * Each wait for a device is a time in which it has nothing to do. A block of experts waits once: for how many tokens each
     * expert has. Beyond these there are the losses and the clip.
     */
    @ParameterizedTest
    @ValueSource(strings = {"top-1 of 8", "top-2 of 5, capacity 1"})
    void aStepWaitsForTheDeviceOncePerBlockOfExpertsAndTwiceBeside(String name) {
        ModelConfig config = ModelRun.configs().get(name);
        int[] expected;
        try (var kernels = new VectorKernels();
                var run = new ModelRun(kernels, config)) {
            run.step(1);
            expected = run.routed();
        }
        try (var device = new MeteredDevice(StandIn.open());
                var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, config)) {
            run.step(1);
            assertThat(run.routed()).isEqualTo(expected);
            device.reset();
            run.step(2);
            run.routed();
            int blocks = config.moeLayers().length;
            assertThat(device.calls("download")).isLessThanOrEqualTo(blocks + 2);
            assertThat(device.calls("upload")).isLessThanOrEqualTo(3L * blocks + 13);
        }
    }

    /** Of a vocabulary that is no multiple of anything, as GPT-2's. Products of logits have the room between rows as columns. */
    @Test
    void allRowsThatAreMultipliedAreMultiplesOf16BytesApart() {
        ModelConfig config = ModelRun.configs().get("top-1 of 8");
        assertThat(config.vocabulary() % 2).isOne();
        try (var device = new MeteredDevice(StandIn.open(CudaDevice.source(), CudaDevice.Precision.TF32));
                var kernels = new DeviceKernels(device);
                var run = new ModelRun(kernels, config)) {
            run.step(0);
            assertThat(device.unaligned()).isZero();
            assertThat(device.sizes()).doesNotContain(503).contains(512);
        }
    }

    /** Of 111 positions and room for 100, and of positions one by one. */
    @ParameterizedTest
    @ValueSource(ints = {100, 1})
    void logitsOfSeveralBlocksGiveTheAnswersOfOne(int rows) {
        ModelConfig config = ModelRun.configs().get("dense");
        try (var device = new MeteredDevice(StandIn.open())) {
            Kernels few = KernelsWithout.largeLogits(new DeviceKernels(device), rows * 256L * Float.BYTES);
            double[] blocks = threeSteps(few, config);
            assertThat(device.sizes()).contains(rows == 1 ? new Integer[] {1, 203} : new Integer[] {64, 111 - 64, 256});
            assertThat(difference(blocks, threeSteps(new DeviceKernels(device), config)))
                    .isLessThan(2e-5);
        }
    }

    /** The step of AdamW that the device makes at once is the one of two calls that the CPU makes. */
    @Test
    void plainKernelsTakeTheSameSteps() {
        ModelConfig config = ModelRun.configs().get("dense");
        double[] plain = answers(new Nd4jKernels(), config).get("losses of steps");
        double[] fused = answers(new VectorKernels(), config).get("losses of steps");
        assertThat(difference(plain, fused)).isLessThan(2e-5);
    }
}
