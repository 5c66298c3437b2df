package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.error.UserError;
import dev.uncurl.exchange.DeviceExchange;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.kernel.AdamW;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.device.CudaDevice.Precision;
import dev.uncurl.kernel.device.DeviceKernels;
import dev.uncurl.kernel.device.EmulatedGpu;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What a model is said to take on a GPU, against what is allocated on an emulated one. */
@Tag("slow")
class DeviceFootprintTest {
    private static final Duration DEADLINE = Duration.ofSeconds(60);
    private static final int ROWS = 9;
    private static final ModelConfig EXPERTS =
            new ModelConfig(2, 32, 2, 64, 203, 32, new MoeConfig(4, 2, 1, true, 0.01, 0.001, 0));
    private static final ModelConfig DENSE =
            new ModelConfig(2, 32, 2, 64, 503, 32, new MoeConfig(0, 1, 2, false, 0, 0, 0));
    private static final int TOKENS = ROWS * EXPERTS.sequenceLength();

    @BeforeEach
    void reset() {
        EmulatedGpu.reset();
    }

    /** The same kernels, but they take scratch memory when they first need it, and no more than that. */
    private static Kernels unreserved(Kernels kernels) {
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(),
                new Class<?>[] {Kernels.class},
                (proxy, method, arguments) ->
                        method.getName().equals("reserve") ? null : method.invoke(kernels, arguments));
    }

    private static TokenBatch batch(ModelConfig config) {
        int[] tokens = new Random(3).ints(TOKENS + 1L, 0, config.vocabulary()).toArray();
        return new TokenBatch(
                IntStream.of(tokens).limit(TOKENS).toArray(),
                IntStream.of(tokens).skip(1).toArray(),
                ROWS,
                config.sequenceLength());
    }

    /** Parameters, gradients and moments on a device, and steps on them. */
    private static final class Run implements AutoCloseable {
        final EmulatedGpu gpu;
        final ModelConfig config;
        final DeviceKernels kernels;
        final List<FlatMemory> memories;
        final Footprint footprint;
        final SmoeLanguageModel model;

        Run(EmulatedGpu gpu, ModelConfig config, boolean reserved, boolean training) {
            this(gpu, config, reserved, training, 0);
        }

        /** @param sums bytes that exchanges have taken */
        Run(EmulatedGpu gpu, ModelConfig config, boolean reserved, boolean training, long sums) {
            this.gpu = gpu;
            this.config = config;
            kernels = new DeviceKernels(gpu);
            int length = (int) ParameterLayout.of(config).length();
            memories = IntStream.range(0, training ? 4 : 1)
                    .mapToObj(i -> kernels.allocate(DataType.FLOAT, length))
                    .toList();
            double[] values =
                    new Random(1).doubles(length).map(x -> 0.2 * (x - 0.5)).toArray();
            whole(0).write(values);
            long state = training ? 2L * Float.BYTES * length : 0;
            var held = new HeldModel(
                    config, ExpertShare.ALL, memories.get(0), training ? memories.get(1) : null, state, sums);
            Kernels used = reserved ? kernels : unreserved(kernels);
            footprint = PassMemory.footprint(used, held, TOKENS);
            model = new SmoeLanguageModel(used, List.of(), held, TOKENS, Peers.NONE);
        }

        Matrix whole(int index) {
            FlatMemory memory = memories.get(index);
            return memory.matrix(0, 1, (int) memory.length());
        }

        void step() {
            model.forwardBackward(batch(config));
            kernels.adamW().sumOfSquares(whole(1));
            kernels.adamW()
                    .step(
                            new AdamW.Coefficients(0.9, 0.99, 1e-8, 1e-3, 1, 0, 1),
                            whole(0),
                            whole(1),
                            whole(2),
                            whole(3));
        }

        void score() {
            int[] tokens = new int[TOKENS];
            var segments = IntStream.range(0, ROWS)
                    .mapToObj(row ->
                            new BranchedBatch.Segment(row * config.sequenceLength(), config.sequenceLength(), 0, 0))
                    .toList();
            model.logProbabilities(new BranchedBatch(
                    tokens, segments, IntStream.range(0, TOKENS).toArray(), tokens));
            model.forward(batch(config), (layer, expert, sum) -> {});
        }

        /** All but what the library takes, which the emulated one does not. */
        long said() {
            return footprint.total() - gpu.libraryBytes();
        }

        @Override
        public void close() {
            model.close();
            memories.forEach(FlatMemory::close);
            kernels.close();
        }
    }

    private static void agrees(EmulatedGpu gpu, ModelConfig config, boolean training) {
        try (var run = new Run(gpu, config, false, training)) {
            if (training) {
                run.step();
                run.step();
            } else {
                run.score();
            }
            long others = run.footprint.total() - run.footprint.scratch();
            long scratch = gpu.mostBytes() - others;
            long said = run.said() - others;
            assertThat(scratch).as("bytes of scratch memory").isPositive();
            assertThat(said).as("bytes said, of %d", scratch).isBetween(scratch, scratch + scratch / 10);
        }
    }

    @ParameterizedTest
    @EnumSource(Precision.class)
    void scratchMemoryIsKnownToATenthAndNeverMore(Precision precision) {
        for (ModelConfig config : List.of(EXPERTS, DENSE)) {
            for (boolean training : new boolean[] {true, false}) {
                try (var gpu = EmulatedGpu.open(0, precision)) {
                    agrees(gpu, config, training);
                }
            }
        }
        assertThat(EmulatedGpu.blocks()).isZero();
    }

    /** So a step never fails for lack of memory that was there before the first one. */
    @Test
    void allOfItIsTakenBeforeTheFirstStep() {
        try (var gpu = EmulatedGpu.open(0, Precision.BF16);
                var run = new Run(gpu, EXPERTS, true, true)) {
            long taken = gpu.mostBytes();
            assertThat(taken).isEqualTo(run.said());
            run.step();
            run.step();
            assertThat(gpu.mostBytes()).isEqualTo(taken);
        }
    }

    /** With their copies in bfloat16, if the device wants them. */
    @ParameterizedTest
    @EnumSource(Precision.class)
    void rowsOfOtherRanksTakeWhatTheFootprintSays(Precision precision) {
        var half = new ExpertShare(1, 2);
        try (var gpu = EmulatedGpu.open(0, precision);
                var kernels = new DeviceKernels(gpu);
                var memory = new ExpertMemory(kernels, DataType.FLOAT, EXPERTS, half, true, 0);
                var parameters = kernels.allocate(DataType.FLOAT, ModelSize.parameters(EXPERTS, half))) {
            var held = new HeldModel(EXPERTS, half, parameters, parameters, 0, 0);
            long said = PassMemory.footprint(kernels, held, TOKENS).exchange();
            long others = gpu.mostBytes();
            for (int layer : EXPERTS.moeLayers()) {
                // what the tokens of two ranks send to half of the experts
                assertThat(memory.grow(layer, TOKENS * EXPERTS.moe().topK())).isNull();
            }
            assertThat(memory.held()).isEqualTo(said);
            assertThat(gpu.mostBytes() - others).isEqualTo(said);
        }
    }

    @Test
    void whatRanksTakeForSumsIsCountedAndTakenBeforeTheFirstStep() throws Exception {
        EmulatedGpu.machine(2);
        var said = new AtomicLong();
        var threads = Executors.newFixedThreadPool(2);
        try {
            List<Callable<Void>> all = Loopback.ranks(2, DEADLINE).stream()
                    .<Callable<Void>>map(ranks -> () -> exchange(ranks, said))
                    .toList();
            for (Future<Void> one : threads.invokeAll(all)) {
                one.get();
            }
        } finally {
            threads.shutdown();
        }
        assertThat(EmulatedGpu.blocks()).isZero();
    }

    /** @param said bytes of all ranks */
    private static Void exchange(Collectives own, AtomicLong said) {
        try (Collectives ranks = own;
                var gpu = EmulatedGpu.open(ranks.rank());
                var exchanges = DeviceExchanges.agree(NcclChoice.REQUIRED, gpu.processor(), ranks, DEADLINE)) {
            long length = ParameterLayout.of(EXPERTS).length();
            DeviceExchange exchange = exchanges.of(ranks);
            exchange.reserve(length - length / 2);
            assertThat(exchanges.heldBytes()).isEqualTo(Float.BYTES * (length - length / 2));
            try (var run = new Run(gpu, EXPERTS, true, true, exchanges.heldBytes())) {
                said.addAndGet(run.said());
                ranks.barrier();
                assertThat(EmulatedGpu.used()).as("before the first step").isEqualTo(said.get());
                ranks.barrier();
                run.step();
                exchange.reduceScatter(run.memories.get(1), 0, new long[] {0, length / 2, length});
                exchange.finish();
                ranks.barrier();
                assertThat(EmulatedGpu.used()).as("after it").isEqualTo(said.get());
                ranks.barrier();
            }
        }
        return null;
    }

    @Test
    void scratchMemoryForWhichThereIsNoRoomIsNamedInTheError() {
        try (var gpu = EmulatedGpu.open(0, Precision.BF16)) {
            long needed;
            try (var run = new Run(gpu, EXPERTS, true, true)) {
                needed = run.footprint.total();
            }
            EmulatedGpu.limit(needed - 1);
            try (var kernels = new DeviceKernels(gpu);
                    var parameters = kernels.allocate(
                            DataType.FLOAT, ParameterLayout.of(EXPERTS).length());
                    var gradients = kernels.allocate(DataType.FLOAT, parameters.length())) {
                var held = new HeldModel(
                        EXPERTS, ExpertShare.ALL, parameters, gradients, 2 * Float.BYTES * parameters.length(), 0);
                assertThatThrownBy(() -> new SmoeLanguageModel(kernels, List.of(), held, TOKENS, Peers.NONE))
                        .isInstanceOf(UserError.class)
                        .hasMessageContainingAll("scratch memory of the kernels", "on the GPU", "micro-batch");
            }
            assertThat(EmulatedGpu.blocks()).isZero();
        }
    }
}
