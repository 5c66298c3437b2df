package dev.uncurl.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Loopback;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.model.FlatMoments;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Small models that ranks, which are threads, train together, and their data. */
final class RankTraining {
    private RankTraining() {}

    static final int VOCABULARY = 40;
    static final int BATCH = 12;
    static final int STEPS = 200;
    static final RankPlace.Way THROUGH_HOST = new RankPlace.Way(NcclChoice.OFF, Duration.ZERO);
    /** The norm of the gradient is between 0.5 and 4. */
    static final FusedAdamW UPDATER = new FusedAdamW(1e-3)
            .withSchedule(20, STEPS, 1e-4)
            .withWeightDecay(0.1)
            .withMaximumGradientNorm(0.7);

    static ModelConfig config(MoeConfig moe) {
        return new ModelConfig(4, 32, 2, 64, VOCABULARY, 16, moe);
    }

    static ModelConfig config(int topK, double capacityFactor) {
        return config(new MoeConfig(8, topK, 2, topK > 1, 0.01, 0.001, capacityFactor));
    }

    /** Sequences of different lengths that count in steps of one or two, with some noise. */
    static TokenBatch batch(long step) {
        var random = new Random(step);
        return TokenBatch.ofSequences(IntStream.range(0, BATCH)
                .mapToObj(row -> {
                    int first = random.nextInt(VOCABULARY);
                    int stride = 1 + random.nextInt(2);
                    return IntStream.range(0, 4 + random.nextInt(13))
                            .map(i -> random.nextInt(9) == 0
                                    ? random.nextInt(VOCABULARY)
                                    : (first + stride * i) % VOCABULARY)
                            .toArray();
                })
                .toList());
    }

    /** The sequences of a rank, in their order. */
    static TokenBatch share(TokenBatch batch, StepShares shares, int rank) {
        int[] rows = IntStream.range(0, batch.rows())
                .filter(row -> shares.rank(row) == rank)
                .toArray();
        int columns = batch.columns();
        return new TokenBatch(
                Arrays.stream(rows)
                        .flatMap(row -> Arrays.stream(batch.tokens(), row * columns, (row + 1) * columns))
                        .toArray(),
                Arrays.stream(rows)
                        .flatMap(row -> Arrays.stream(batch.targets(), row * columns, (row + 1) * columns))
                        .toArray(),
                rows.length,
                columns);
    }

    /** Losses and routing of all steps, and the parameters after the last one. */
    record Run(List<TrainStep.Result> results, float[] parameters) {
        double[] losses() {
            return results.stream().mapToDouble(result -> result.loss().total()).toArray();
        }

        List<Integer> dropped() {
            return results.stream()
                    .map(result -> result.routing().values().stream()
                            .mapToInt(TrainStep.Routing::dropped)
                            .sum())
                    .toList();
        }
    }

    static MultiLayerNetwork network(ModelConfig config, int microBatch) throws IOException {
        return network(config, microBatch, ExpertShare.ALL);
    }

    private static MultiLayerNetwork network(ModelConfig config, int microBatch, ExpertShare share) throws IOException {
        return SmoeNetwork.create(
                SmoeNetwork.withoutArrays(config, UPDATER, microBatch).getLayerWiseConfigurations(),
                WeightArrays.of(config, WeightArrays.initial(config, 5)),
                share);
    }

    static float[] parameters(MultiLayerNetwork network) {
        return network.params().dup('c').data().asFloat();
    }

    /** First moments, in their order. */
    static float[] values(FlatMoments moments) throws IOException {
        float[] all = new float[(int) moments.length()];
        moments.read(FlatMoments.FIRST, (values, count, at) -> System.arraycopy(values, 0, all, at, count));
        return all;
    }

    static Run alone(ModelConfig config, int microBatch, int steps) throws IOException {
        MultiLayerNetwork network = network(config, microBatch);
        var step = new NetworkStep(network);
        var results = new ArrayList<TrainStep.Result>();
        for (int i = 0; i < steps; i++) {
            results.add(step.take(batch(i)));
        }
        SmoeNetwork.layer(network).release();
        return new Run(results, parameters(network));
    }

    /** What a rank does with its network. */
    interface Work<T> {
        T of(MultiLayerNetwork network, Collectives ranks) throws Exception;
    }

    /** @param parts expert-parallel */
    static <T> List<T> onRanks(ModelConfig config, StepShares shares, int parts, Work<T> work) throws Exception {
        return onRanks(config, shares, parts, Buckets.floats(shares.ranks()), work);
    }

    /** @param bucket smallest number of parameters that are exchanged at a time */
    static <T> List<T> onRanks(ModelConfig config, StepShares shares, int parts, long bucket, Work<T> work)
            throws Exception {
        return onRanks(config, shares, parts, bucket, () -> Processor.cpu("test"), work);
    }

    /** @param processors gives each rank its own, which is closed after the work */
    static <T> List<T> onRanks(
            ModelConfig config, StepShares shares, int parts, long bucket, Supplier<Processor> processors, Work<T> work)
            throws Exception {
        return onRanks(config, shares, parts, bucket, processors, THROUGH_HOST, work);
    }

    /** @param way of ranks on devices */
    static <T> List<T> onRanks(
            ModelConfig config,
            StepShares shares,
            int parts,
            long bucket,
            Supplier<Processor> processors,
            RankPlace.Way way,
            Work<T> work)
            throws Exception {
        List<Collectives> ranks = Loopback.ranks(shares.ranks(), Duration.ofSeconds(60));
        var threads = Executors.newFixedThreadPool(shares.ranks());
        try {
            List<Callable<T>> calls = ranks.stream()
                    .<Callable<T>>map(rank -> () -> {
                        var share = ExpertShare.of(rank.rank(), parts);
                        MultiLayerNetwork network = network(config, shares.microBatch(), share);
                        try (Processor processor = processors.get()) {
                            int slots = shares.ranks() * (1 + rank.rank() % 2);
                            SmoeNetwork.layer(network)
                                    .join(RankPlace.of(rank, share, shares, processor, way, slots, bucket));
                            return work.of(network, rank);
                        } finally {
                            rank.close();
                        }
                    })
                    .toList();
            var results = new ArrayList<T>();
            for (Future<T> future : threads.invokeAll(calls)) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } finally {
            threads.shutdownNow();
        }
    }

    static Run together(ModelConfig config, StepShares shares, int steps) throws Exception {
        return together(config, shares, 1, steps);
    }

    /** Ranks that report the same, and hold the same parameters, if they hold them. @param parts expert-parallel */
    static Run together(ModelConfig config, StepShares shares, int parts, int steps) throws Exception {
        List<Run> runs = onRanks(config, shares, parts, (network, ranks) -> {
            var step = new RankStep(network);
            var results = new ArrayList<TrainStep.Result>();
            for (int i = 0; i < steps; i++) {
                results.add(step.take(share(batch(i), shares, ranks.rank())));
            }
            step.requireEqualParameters();
            step.release();
            return new Run(results, parameters(network));
        });
        for (int rank = 0; rank < runs.size(); rank++) {
            assertThat(runs.get(rank).parameters())
                    .isEqualTo(runs.get(rank % parts).parameters());
            assertThat(runs.get(rank).losses()).containsExactly(runs.get(0).losses());
            assertThat(runs.get(rank).dropped()).isEqualTo(runs.get(0).dropped());
        }
        return new Run(
                runs.get(0).results(),
                whole(config, runs.stream().map(Run::parameters).toList(), parts));
    }

    /** The parameters of the whole model, from those of a group of ranks. */
    static float[] whole(ModelConfig config, List<float[]> ofRanks, int parts) {
        var all = new float[(int) ParameterLayout.of(config).length()];
        for (int part = 0; part < parts; part++) {
            var own = ParameterLayout.of(config, new ExpertShare(part, parts));
            for (ParameterLayout.Tensor tensor : own.tensors()) {
                long target = ParameterLayout.of(config).tensor(tensor.name()).offset();
                System.arraycopy(ofRanks.get(part), (int) tensor.offset(), all, (int) target, (int) tensor.length());
            }
        }
        return all;
    }
}
