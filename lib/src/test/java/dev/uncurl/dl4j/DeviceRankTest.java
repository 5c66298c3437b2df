package dev.uncurl.dl4j;

import static dev.uncurl.dl4j.RankTraining.BATCH;
import static dev.uncurl.dl4j.RankTraining.batch;
import static dev.uncurl.dl4j.RankTraining.onRanks;
import static dev.uncurl.dl4j.RankTraining.parameters;
import static dev.uncurl.dl4j.RankTraining.share;
import static dev.uncurl.dl4j.RankTraining.together;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.dl4j.RankTraining.Run;
import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.device.CudaDevice.Precision;
import dev.uncurl.kernel.device.EmulatedGpu;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Ranks that train on emulated GPUs. The oracle is the same ranks on the CPU. */
@Tag("slow")
class DeviceRankTest {
    private static final ModelConfig CONFIG =
            new ModelConfig(2, 16, 2, 32, RankTraining.VOCABULARY, 16, new MoeConfig(4, 2, 2, true, 0.01, 0.001, 1.1));
    private static final int STEPS = 3;
    /** Small enough for several sections, so that gradients leave during the pass. */
    private static final long BUCKET = 3_000;

    private static final RankPlace.Way NCCL = new RankPlace.Way(NcclChoice.REQUIRED, Duration.ofSeconds(60));

    private static final Supplier<Processor> GPUS = () -> EmulatedGpu.open().processor();

    @BeforeEach
    void begin() {
        EmulatedGpu.reset();
    }

    @AfterEach
    void nothingIsLeftOnAnyGpu() {
        assertThat(EmulatedGpu.blocks()).as("blocks of memory").isZero();
    }

    /** What one rank has at the end. @param first first moments; @param second second moments */
    private record Trained(List<Double> losses, float[] parameters, float[] first, float[] second) {}

    private static float[] moments(MultiLayerNetwork network, String name) throws IOException {
        FlatMoments moments = SmoeNetwork.moments(network);
        var all = new float[(int) moments.length()];
        moments.read(name, (values, count, at) -> System.arraycopy(values, 0, all, at, count));
        return all;
    }

    private static List<Trained> train(StepShares shares, int parts, Supplier<Processor> processors) throws Exception {
        return train(shares, parts, processors, RankTraining.THROUGH_HOST);
    }

    private static List<Trained> train(StepShares shares, int parts, Supplier<Processor> processors, RankPlace.Way way)
            throws Exception {
        return onRanks(CONFIG, shares, parts, BUCKET, processors, way, (network, ranks) -> {
            var step = new RankStep(network);
            try {
                var losses = new ArrayList<Double>();
                for (int i = 0; i < STEPS; i++) {
                    losses.add(step.take(share(batch(i), shares, ranks.rank()))
                            .loss()
                            .total());
                }
                step.requireEqualParameters();
                step.bringHome();
                return new Trained(
                        losses,
                        parameters(network),
                        moments(network, FlatMoments.FIRST),
                        moments(network, FlatMoments.SECOND));
            } finally {
                step.release();
            }
        });
    }

    private static void assertClose(float[] actual, float[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = IntStream.range(0, actual.length)
                .mapToDouble(i -> Math.abs(actual[i] - expected[i]))
                .max()
                .orElseThrow();
        assertThat(largest).isLessThan(tolerance);
    }

    /** One rank with several micro-steps; two that exchange gradients, with one and with several micro-steps; divided experts. */
    @ParameterizedTest
    @CsvSource({"1, 1, 5", "2, 1, 12", "2, 1, 3", "2, 2, 12"})
    void ranksOnGpusMakeTheModelOfTheCpu(int ranks, int parts, int microBatch) throws Exception {
        var shares = new StepShares(BATCH, ranks, microBatch);
        List<Trained> expected = train(shares, parts, () -> Processor.cpu("test"));
        List<Trained> actual = train(shares, parts, GPUS);
        for (int rank = 0; rank < ranks; rank++) {
            for (int i = 0; i < STEPS; i++) {
                assertThat(actual.get(rank).losses.get(i))
                        .isCloseTo(expected.get(rank).losses.get(i), within(1e-5));
            }
            assertClose(actual.get(rank).parameters, expected.get(rank).parameters, 1e-5);
            assertClose(actual.get(rank).first, expected.get(rank).first, 1e-6);
            assertClose(actual.get(rank).second, expected.get(rank).second, 1e-7);
        }
    }

    @Test
    void theSameRanksHaveTheSameBits() throws Exception {
        var shares = new StepShares(BATCH, 2, 3);
        List<Trained> one = train(shares, 1, GPUS);
        List<Trained> other = train(shares, 1, GPUS);
        assertThat(one.get(1).parameters).isEqualTo(other.get(1).parameters);
        assertThat(one.get(1).losses).isEqualTo(other.get(1).losses);
    }

    /** From GPU to GPU or through the host: sums have one order. With micro-steps, three ranks, divided experts. */
    @ParameterizedTest
    @CsvSource({"2, 1, 3", "3, 1, 12", "4, 2, 12"})
    void ncclDoesNotChangeABit(int ranks, int parts, int microBatch) throws Exception {
        var shares = new StepShares(BATCH, ranks, microBatch);
        List<Trained> expected = train(shares, parts, GPUS);
        assertThat(EmulatedGpu.moved()).isZero();
        List<Trained> actual = train(shares, parts, ownGpus(ranks, Precision.FP32), NCCL);
        assertThat(EmulatedGpu.moved()).isPositive();
        for (int rank = 0; rank < ranks; rank++) {
            assertThat(actual.get(rank)).usingRecursiveComparison().isEqualTo(expected.get(rank));
        }
    }

    /** What ranks receive by NCCL must be rounded anew. */
    @Test
    void ncclDoesNotChangeABitWhereWeightsAreKeptRounded() throws Exception {
        var shares = new StepShares(BATCH, 2, 12);
        List<Trained> expected =
                train(shares, 1, () -> EmulatedGpu.open(0, Precision.BF16).processor());
        List<Trained> actual = train(shares, 1, ownGpus(2, Precision.BF16), NCCL);
        for (int rank = 0; rank < 2; rank++) {
            assertThat(actual.get(rank)).usingRecursiveComparison().isEqualTo(expected.get(rank));
        }
    }

    /** One GPU for each rank. */
    private static Supplier<Processor> ownGpus(int ranks, Precision precision) {
        EmulatedGpu.machine(ranks);
        var next = new AtomicInteger();
        return () -> EmulatedGpu.open(next.getAndIncrement(), precision).processor();
    }

    /** What a checkpoint saves is enough: the CPU goes on from it as from its own. */
    @Test
    void theCpuGoesOnWhereAGpuStopped() throws Exception {
        var shares = new StepShares(BATCH, 1, BATCH);
        Run undisturbed = together(CONFIG, shares, 2 * STEPS);
        Trained half = train(shares, 1, GPUS).get(0);
        List<float[]> end = onRanks(CONFIG, shares, 1, (network, ranks) -> {
            FlatMemory.of(network.params()).write(0, half.parameters, half.parameters.length);
            Weights moments = (name, values) -> {
                float[] all = name.equals(FlatMoments.FIRST) ? half.first : half.second;
                values.take(all, all.length, 0);
            };
            SmoeNetwork.resume(network, moments, STEPS);
            var step = new RankStep(network);
            for (int i = STEPS; i < 2 * STEPS; i++) {
                step.take(share(batch(i), shares, 0));
            }
            step.release();
            return parameters(network);
        });
        assertClose(end.get(0), undisturbed.parameters(), 2e-5);
    }

    /** Round trips of a step, and their bytes beside what ranks exchange. */
    @ParameterizedTest
    @CsvSource({"1, OFF, 80, 0", "2, OFF, 100, 2.5", "2, REQUIRED, 80, 0"})
    void aStepMovesOnlyRoutingAndWhatRanksExchange(int ranks, NcclChoice nccl, int most, double copies)
            throws Exception {
        var shares = new StepShares(BATCH, ranks, BATCH);
        long parameters = ModelSize.parameters(CONFIG);
        EmulatedGpu.machine(ranks);
        var gpus = IntStream.range(0, ranks).mapToObj(EmulatedGpu::open).toList();
        var next = new ArrayList<>(gpus);
        Supplier<Processor> processors = () -> {
            synchronized (next) {
                return next.remove(0).processor();
            }
        };
        var way = new RankPlace.Way(nccl, Duration.ofSeconds(60));
        onRanks(CONFIG, shares, 1, BUCKET, processors, way, (network, own) -> {
            var step = new RankStep(network);
            step.take(share(batch(0), shares, own.rank()));
            long movedBefore = EmulatedGpu.moved();
            long before = gpus.stream().mapToLong(EmulatedGpu::transfers).sum();
            double bytesBefore =
                    gpus.stream().mapToDouble(EmulatedGpu::transferred).sum();
            own.barrier();
            step.take(share(batch(1), shares, own.rank()));
            own.barrier();
            long transfers = gpus.stream().mapToLong(EmulatedGpu::transfers).sum() - before;
            double bytes = gpus.stream().mapToDouble(EmulatedGpu::transferred).sum() - bytesBefore;
            long moved = EmulatedGpu.moved() - movedBefore;
            own.barrier();
            step.release();
            // the slice of each other rank leaves, and the own one goes to each
            assertThat(moved).isEqualTo(nccl == NcclChoice.OFF ? 0 : 2 * 4 * (ranks - 1) * parameters);
            assertThat(transfers / ranks).isPositive().isLessThan(most);
            // gradients leave whole; sums of a slice come back; of the parameters one slice leaves and the others come
            assertThat(bytes / ranks).isBetween(4.0 * copies * parameters, 4.0 * copies * parameters + 30_000);
            return null;
        });
    }

    /** Also without any memory left, where not even the parameters fit. */
    @Test
    void aModelForScoringHasTheLossOfTheCpuAndGivesItsMemoryBack() {
        INDArray parameters = Nd4j.createFromArray(WeightArrays.initial(CONFIG, 5));
        double expected;
        try (var model = SmoeLanguageModel.forScoring(CONFIG, parameters, BATCH * 16)) {
            expected = model.forward(batch(0)).total();
        }
        try (Processor gpu = EmulatedGpu.open().processor()) {
            try (var model = OnProcessor.forScoring(gpu, CONFIG, parameters, BATCH * 16)) {
                assertThat(model.forward(batch(0)).total()).isCloseTo(expected, within(1e-5));
            }
            assertThat(EmulatedGpu.blocks()).isZero();
            EmulatedGpu.limit(1000);
            assertThatThrownBy(() -> OnProcessor.forScoring(gpu, CONFIG, parameters, BATCH * 16))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("has no room for another");
            EmulatedGpu.limit(100_000);
            assertThatThrownBy(() -> OnProcessor.forScoring(gpu, CONFIG, parameters, BATCH * 16))
                    .isInstanceOf(UserError.class)
                    .hasMessageContaining("tokens at a time needs");
            assertThat(EmulatedGpu.blocks()).as("after failures").isZero();
        }
    }

    @Test
    void aModelThatCannotRouteGivesAFault() throws Exception {
        var shares = new StepShares(BATCH, 2, 3);
        List<TrainStep.Result> results = onRanks(CONFIG, shares, 1, BUCKET, GPUS, (network, ranks) -> {
            network.params().assign(1e30);
            var step = new RankStep(network);
            TrainStep.Result result = step.take(share(batch(0), shares, ranks.rank()));
            step.release();
            return result;
        });
        assertThat(results)
                .allMatch(result -> Double.isNaN(result.loss().crossEntropy()) && Double.isNaN(result.gradientNorm()));
        assertThat(results.get(0).fault()).contains("The router of block 1 gives token");
    }

    /** Before the first step, with what the model needs; and nothing is left. */
    @Test
    void aModelTooLargeForTheGpuIsRefused() {
        EmulatedGpu.limit(250_000);
        assertThatThrownBy(() -> train(new StepShares(BATCH, 1, BATCH), 1, GPUS))
                .isInstanceOf(UserError.class)
                .hasMessageContainingAll("tokens at a time needs", "on the GPU", "arena", "has 0.", "micro-batch");
    }

    /** The first error is the one that is thrown, and not one of the memory that cannot be released any more. */
    @Test
    void anErrorOfTheGpuEndsTheStep() {
        assertThatThrownBy(() -> onRanks(CONFIG, new StepShares(BATCH, 1, BATCH), 1, BUCKET, GPUS, (network, ranks) -> {
                    var step = new RankStep(network);
                    try {
                        step.take(batch(0));
                        EmulatedGpu.failNextKernel();
                        return step.take(batch(1));
                    } finally {
                        step.release();
                    }
                }))
                .isInstanceOf(DeviceFailedException.class)
                .hasMessageContainingAll("GPU 0 (stand-in) failed", "CUDA_ERROR_ECC_UNCORRECTABLE", "dmesg");
        EmulatedGpu.reset(); // the memory of a GPU that has failed ends with its process
    }
}
