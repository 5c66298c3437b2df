package dev.uncurl.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.kernel.FlatMemory;
import dev.uncurl.kernel.KernelChoice;
import dev.uncurl.kernel.device.EmulatedGpu;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Ranks that divide the experts score as one process does, each its own batches, of which it may have more than others. */
class DividedScoringTest {
    private static final ModelConfig CONFIG = Models.config(5, 2, true);
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final double[] PARAMETERS = Models.parameters(CONFIG, 4);

    private static INDArray held(ExpertShare share) {
        ParameterLayout whole = ParameterLayout.of(CONFIG);
        ParameterLayout own = ParameterLayout.of(CONFIG, share);
        double[] held = new double[(int) own.length()];
        for (ParameterLayout.Tensor tensor : own.tensors()) {
            int from = (int) whole.tensor(tensor.name()).offset();
            System.arraycopy(PARAMETERS, from, held, (int) tensor.offset(), (int) tensor.length());
        }
        return Models.array(held, DataType.FLOAT);
    }

    /** Rank r has r batches. */
    private static List<TokenBatch> batches(int rank) {
        var batches = new ArrayList<TokenBatch>();
        for (int i = 0; i < rank; i++) {
            batches.add(Models.batch(2 + i, 6, 10L * rank + i));
        }
        return batches;
    }

    private interface Work<T> {
        T of(SmoeLanguageModel model, int rank);
    }

    private static <T> List<T> onRanks(int ranks, int parts, Work<T> work) throws Exception {
        return onRanks(ranks, parts, NcclChoice.OFF, rank -> Processor.cpu("test"), work);
    }

    private static <T> List<T> onRanks(
            int ranks, int parts, NcclChoice nccl, IntFunction<Processor> processors, Work<T> work) throws Exception {
        var threads = Executors.newFixedThreadPool(ranks);
        try {
            var futures = new ArrayList<Future<T>>();
            for (Collectives rank : Loopback.ranks(ranks, DEADLINE)) {
                futures.add(threads.submit(() -> {
                    var share = ExpertShare.of(rank.rank(), parts);
                    Collectives all = rank.group(IntStream.range(0, ranks).toArray());
                    try (rank;
                            Processor processor = processors.apply(rank.rank());
                            var devices = DeviceExchanges.agree(nccl, processor, all, DEADLINE);
                            var model = OnProcessor.forScoring(
                                    processor,
                                    CONFIG,
                                    share,
                                    held(share),
                                    60,
                                    CollectivePeers.of(rank, share, devices),
                                    1)) {
                        T result = work.of(model, rank.rank());
                        model.joinPasses();
                        return result;
                    }
                }));
            }
            var results = new ArrayList<T>();
            for (Future<T> future : futures) {
                results.add(future.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }

    private static SmoeLanguageModel alone() {
        return SmoeLanguageModel.forScoring(CONFIG, Models.array(PARAMETERS, DataType.FLOAT), 60);
    }

    /** The losses and routers' logits of all batches. */
    private static List<double[]> routing(SmoeLanguageModel model, List<TokenBatch> batches) {
        var all = new ArrayList<double[]>();
        for (TokenBatch batch : batches) {
            double loss = model.forward(batch).crossEntropy();
            int layer = CONFIG.moeLayers()[CONFIG.moeLayers().length - 1];
            RoutingView view = model.routing(layer);
            double[] values = new double[1 + view.tokens() * view.experts()];
            values[0] = loss;
            for (int i = 0; i < view.tokens() * view.experts(); i++) {
                values[1 + i] = view.logit(i / view.experts(), i % view.experts());
            }
            all.add(values);
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5})
    void lossesAndLogitsAreThoseOfOneProcessApartFromRounding(int parts) throws Exception {
        int ranks = parts == 2 ? 4 : parts;
        List<List<double[]>> divided = onRanks(ranks, parts, (model, rank) -> routing(model, batches(rank)));
        try (var model = alone()) {
            for (int rank = 0; rank < ranks; rank++) {
                List<double[]> expected = routing(model, batches(rank));
                assertThat(divided.get(rank)).hasSameSizeAs(expected);
                for (int i = 0; i < expected.size(); i++) {
                    assertThat(divided.get(rank).get(i)).containsExactly(expected.get(i), within(1e-5));
                }
            }
        }
    }

    @Tag("slow")
    @Test
    void onGpusRowsGoByNcclOrThroughTheHostWithTheSameBits() throws Exception {
        EmulatedGpu.reset();
        EmulatedGpu.machine(4);
        IntFunction<Processor> gpus = rank -> EmulatedGpu.open(rank).processor();
        Work<List<double[]>> work = (model, rank) -> routing(model, batches(rank));
        List<List<double[]>> throughHost = onRanks(4, 2, NcclChoice.OFF, gpus, work);
        assertThat(EmulatedGpu.moved()).isZero();
        List<List<double[]>> byNccl = onRanks(4, 2, NcclChoice.REQUIRED, gpus, work);
        assertThat(EmulatedGpu.moved()).isPositive();
        assertThat(EmulatedGpu.blocks()).isZero();
        try (var model = alone()) {
            for (int rank = 0; rank < 4; rank++) {
                List<double[]> expected = routing(model, batches(rank));
                assertThat(byNccl.get(rank)).hasSameSizeAs(expected);
                for (int i = 0; i < expected.size(); i++) {
                    assertThat(byNccl.get(rank).get(i))
                            .isEqualTo(throughHost.get(rank).get(i))
                            .containsExactly(expected.get(i), within(1e-5));
                }
            }
        }
    }

    private static BranchedBatch branched(TokenBatch batch) {
        int length = batch.columns();
        var segments = new ArrayList<BranchedBatch.Segment>();
        for (int row = 0; row < batch.rows(); row++) {
            segments.add(new BranchedBatch.Segment(row * length, length, 0, 0));
        }
        int[] tokens =
                Arrays.stream(batch.tokens()).map(token -> Math.max(0, token)).toArray();
        int[] rows = IntStream.range(0, tokens.length).toArray();
        return new BranchedBatch(tokens, segments, rows, tokens);
    }

    /** To the bit, where a row of a product does not depend on the others. */
    @Test
    void logProbabilitiesOfSequencesAreThoseOfOneProcess() throws Exception {
        List<List<double[]>> divided = onRanks(3, 3, (model, rank) -> batches(rank).stream()
                .map(batch -> model.logProbabilities(branched(batch)))
                .toList());
        try (var model = alone()) {
            for (int rank = 0; rank < 3; rank++) {
                List<TokenBatch> batches = batches(rank);
                for (int i = 0; i < batches.size(); i++) {
                    double[] expected = model.logProbabilities(branched(batches.get(i)));
                    double tolerance = model.sequencesAreIndependent() ? 0 : 1e-5;
                    assertThat(divided.get(rank).get(i)).containsExactly(expected, within(tolerance));
                }
            }
        }
    }

    /** By layer and expert. */
    private static Map<String, double[]> outputs(SmoeLanguageModel model, List<TokenBatch> batches) {
        var sums = new TreeMap<String, double[]>();
        for (int i = 0; i < batches.size(); i++) {
            String batch = i + " ";
            model.forward(batches.get(i), (layer, expert, sum) -> sums.put(batch + layer + " " + expert, sum));
        }
        return sums;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void outputsOfAllExpertsAreThoseOfOneProcess(int parts) throws Exception {
        List<Map<String, double[]>> divided = onRanks(4, parts, (model, rank) -> outputs(model, batches(rank)));
        try (var model = alone()) {
            for (int rank = 0; rank < 4; rank++) {
                Map<String, double[]> expected = outputs(model, batches(rank));
                assertThat(divided.get(rank).keySet()).isEqualTo(expected.keySet());
                expected.forEach((key, sum) -> assertThat(sum).hasSize(CONFIG.width()));
                for (String key : expected.keySet()) {
                    assertThat(divided.get(rank).get(key)).containsExactly(expected.get(key), within(1e-4));
                }
            }
        }
    }

    @Test
    void aModelWithoutItsRanksIsRefused() {
        var share = new ExpertShare(0, 2);
        try (var model = SmoeLanguageModel.forTraining(
                KernelChoice.best(DataType.FLOAT),
                CONFIG,
                share,
                FlatMemory.of(held(share)),
                FlatMemory.of(held(share)),
                0,
                0,
                60)) {
            assertThatThrownBy(() -> model.forward(Models.batch(2, 6, 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("a pass needs the other ranks");
        }
    }
}
