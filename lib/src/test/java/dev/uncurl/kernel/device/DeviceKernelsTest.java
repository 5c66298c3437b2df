package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.KernelScenarios.Scenario;
import dev.uncurl.kernel.nd4j.Nd4jKernels;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** The device's kernels, on an emulated GPU, against plain ND4J operations in double precision. */
@Tag("slow")
class DeviceKernelsTest {
    static final double TOLERANCE = 2e-5;
    /** Of the norm of attention's answers in bfloat16. */
    static final double BF16_TOLERANCE = 1e-2;

    @BeforeAll
    static void needsACompiler() {
        CompilerForTests.require();
    }

    /** The largest difference, absolute or relative, whichever is smaller; infinite if a value is not a number. */
    static double difference(double[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
            largest =
                    difference <= largest ? largest : Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
        }
        return largest;
    }

    /** What plain ND4J operations answer. */
    static Map<String, double[]> expected() {
        Map<String, double[]> answers = new TreeMap<>();
        KernelScenarios.all().forEach((name, scenario) -> answers.put(name, plain(scenario)));
        return answers;
    }

    private static double[] plain(Scenario scenario) {
        try (var kernels = new Nd4jKernels()) {
            return KernelScenarios.run(scenario, kernels, DataType.DOUBLE);
        }
    }

    private static double[] onDevice(CudaDevice device, Scenario scenario) {
        try (var kernels = new DeviceKernels(device)) {
            return KernelScenarios.run(scenario, kernels, DataType.FLOAT);
        }
    }

    @TestFactory
    Stream<DynamicTest> operationsAgreeWithPlainOnesWhicheverWarpGoesFirstAndLeaveNoMemoryBehind() {
        return agree(StandIn.open(), "");
    }

    /** The stand-in's tensor cores do not round, so the tolerance is that of floats. */
    @TestFactory
    Stream<DynamicTest> attentionInTensorCoresAgreesToo() {
        return agree(StandIn.open(CudaDevice.source(), CudaDevice.Precision.TF32), "attention");
    }

    /** Products in bfloat16 are exactly those of operands that are rounded so. */
    @TestFactory
    Stream<DynamicTest> productsInBfloat16AreThoseOfRoundedOperands() {
        var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16);
        return KernelScenarios.all().entrySet().stream()
                .filter(entry -> entry.getKey().matches("(product|grouped|head|no rows).*"))
                .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
                    double[] expected =
                            KernelScenarios.run(entry.getValue(), RoundedProducts.kernels(), DataType.DOUBLE);
                    double[] actual = onDevice(device, entry.getValue());
                    assertThat(difference(actual, expected)).isLessThan(TOLERANCE);
                    assertThat(StandIn.blocks()).as("blocks of memory").isZero();
                }))
                .onClose(device::close);
    }

    /** What a kernel writes rounded too is what it writes in floats, and no operand is older than its matrix. */
    @TestFactory
    Stream<DynamicTest> productsOfWhatKernelsHaveRoundedAreWithinTheirBound() {
        var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16);
        return KernelScenarios.all().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith("rounded"))
                .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
                    assertThat(partOfNorm(onDevice(device, entry.getValue()), plain(entry.getValue())))
                            .isBetween(1e-5, BF16_TOLERANCE);
                    assertThat(StandIn.blocks()).as("blocks of memory").isZero();
                }))
                .onClose(device::close);
    }

    /** The norm of the difference as a part of the norm of the answer; infinite if a value is not a number. */
    static double partOfNorm(double[] actual, double[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < actual.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            size += expected[i] * expected[i];
        }
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.sqrt(difference / Math.max(size, 1e-30));
    }

    /** Queries, keys, values, probabilities and gradients have 8 significant bits: each is off by up to 0.4%. */
    @TestFactory
    Stream<DynamicTest> attentionInBfloat16IsWithinItsBound() {
        var device = StandIn.open(CudaDevice.source(), CudaDevice.Precision.BF16);
        return KernelScenarios.all().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith("attention ["))
                .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
                    StandIn.threads(64, false);
                    double[] ascending = onDevice(device, entry.getValue());
                    assertThat(partOfNorm(ascending, plain(entry.getValue()))).isLessThan(BF16_TOLERANCE);
                    StandIn.threads(64, true);
                    assertThat(onDevice(device, entry.getValue()))
                            .as("the last warp first")
                            .isEqualTo(ascending);
                }))
                .onClose(device::close);
    }

    private static Stream<DynamicTest> agree(CudaDevice device, String prefix) {
        return KernelScenarios.all().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .map(entry -> DynamicTest.dynamicTest(entry.getKey(), () -> {
                    StandIn.threads(64, false);
                    double[] ascending = onDevice(device, entry.getValue());
                    assertThat(difference(ascending, plain(entry.getValue()))).isLessThan(TOLERANCE);
                    assertThat(onDevice(device, entry.getValue())).as("again").isEqualTo(ascending);
                    StandIn.threads(64, true);
                    assertThat(onDevice(device, entry.getValue()))
                            .as("the last warp first")
                            .isEqualTo(ascending);
                    assertThat(StandIn.blocks()).as("blocks of memory").isZero();
                }))
                .onClose(device::close);
    }

    /** Grouped products in TF32 too, whose operands have to be aligned, and which are computed one by one where they are not. */
    @TestFactory
    Stream<DynamicTest> groupedProductsInTensorCoresAgreeToo() {
        return agree(StandIn.open(CudaDevice.source(), CudaDevice.Precision.TF32), "grouped");
    }

    /** Whether the library computes them together, refuses to, or is too old to be asked: the same bits. */
    @ParameterizedTest
    @EnumSource(CudaDevice.Precision.class)
    void groupedProductsAreThoseOfTheGroupsOneByOne(CudaDevice.Precision precision) {
        KernelScenarios.all().forEach((name, scenario) -> {
            if (name.startsWith("grouped")) {
                try (var device = StandIn.open(CudaDevice.source(), precision)) {
                    double[] together = onDevice(device, scenario);
                    try (var kernels = new DeviceKernels(device)) {
                        assertThat(KernelScenarios.run(scenario, KernelsWithout.groups(kernels), DataType.FLOAT))
                                .as(name)
                                .isEqualTo(together);
                    }
                    StandIn.fail("cublasGemmGroupedBatchedEx", CuBlas.NOT_SUPPORTED);
                    assertThat(onDevice(device, scenario))
                            .as(name + ", refused")
                            .isEqualTo(together);
                }
            }
        });
    }

    @Test
    void operationsAgreeInTheLargestBlocksToo() {
        try (var device = StandIn.open()) {
            StandIn.threads(1024, true);
            for (String name : new String[] {
                "bias 300 x 37",
                "norm 300 x 37",
                "norm 2 x 1025",
                "cross-entropy 2 x 50257",
                "attention [1, 300, 1, 3]",
                "adamw 70001"
            }) {
                Scenario scenario = KernelScenarios.all().get(name);
                assertThat(difference(onDevice(device, scenario), plain(scenario)))
                        .as(name)
                        .isLessThan(TOLERANCE);
            }
        }
    }

    /** More logits than threads, so that some threads see no other ones. */
    @Test
    void tokensOfNoProbabilityHaveNoGradient() {
        double[] logits = new double[65];
        Arrays.fill(logits, Double.NEGATIVE_INFINITY);
        logits[5] = 1;
        logits[64] = 1;
        double[] logProbability = new double[1];
        double[] gradient = new double[65];
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, 65)) {
            Matrix row = memory.matrix(0, 1, 65);
            row.write(logits);
            kernels.crossEntropy().forward(row, new int[] {5}, 0, 1, logProbability);
            row.read(gradient);
        }
        assertThat(logProbability[0]).isCloseTo(-Math.log(2), within(1e-7));
        double[] expected = new double[65];
        expected[5] = -0.5;
        expected[64] = 0.5;
        assertThat(difference(gradient, expected)).isLessThan(1e-7);
    }

    @Test
    void matricesOfTheHostAreRefused() {
        try (var device = StandIn.open();
                var kernels = new DeviceKernels(device);
                FlatMemory host = FlatMemory.allocate(DataType.FLOAT, 4);
                FlatMemory memory = kernels.allocate(DataType.FLOAT, 4)) {
            assertThatThrownBy(() -> kernels.bias().add(memory.matrix(0, 2, 2), host.matrix(0, 1, 2)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Kernels.allocate");
            Matrix padded = Matrix.padded(memory, 0, 2, 1, 2);
            assertThatThrownBy(() -> kernels.bias().add(padded, memory.matrix(0, 1, 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("2 elements from row to row of 1");
            assertThatThrownBy(() -> padded.read(new float[2]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("one at a time");
            assertThatThrownBy(() -> memory.matrix(0, 2, 2).array()).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> kernels.allocate(DataType.DOUBLE, 4)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
