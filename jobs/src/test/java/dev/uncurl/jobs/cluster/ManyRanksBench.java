package dev.uncurl.jobs.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.collective.Collectives;
import dev.uncurl.collective.Crew;
import dev.uncurl.collective.ExchangeCost;
import dev.uncurl.collective.Loopback;
import dev.uncurl.config.Settings;
import dev.uncurl.dl4j.FusedAdamW;
import dev.uncurl.dl4j.RankStep;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.dl4j.StepShares;
import dev.uncurl.exchange.NcclChoice;
import dev.uncurl.model.ModelInitialization;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.processor.Processor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;

/**
 * Many ranks on few cores: 32 take 1,000 steps, as threads and over Spark's transport within one process, with the same bits, and
 * have the losses of one rank. Takes minutes, so it is run by name:
 * {@code mvn -pl lib,jobs test -Dtest=ManyRanksBench -Dsurefire.failIfNoSpecifiedTests=false}, with
 * {@code -Dranks.model=tiny-8e -Dranks.steps=1000} for a preset, and fewer or more steps. Each run says how long the rest
 * will take.
 */
final class ManyRanksBench {
    private static final int RANKS = 32;
    private static final int STEPS = Integer.getInteger("ranks.steps", 1000);
    private static final Duration DEADLINE = Duration.ofSeconds(120);
    private static final ModelConfig MODEL = Optional.ofNullable(System.getProperty("ranks.model"))
            .map(preset -> Settings.load("model/" + preset, List.of()).bind(ModelConfig.class))
            .orElseGet(() -> new ModelConfig(4, 32, 2, 64, 128, 16, new MoeConfig(8, 2, 2, true, 0.01, 0.001, 1.1)));

    /** @param losses of all steps */
    private record Run(double[] losses, ExchangeCost cost) {}

    @Test
    void measure() {
        Run threads = run("threads", Loopback.ranks(RANKS, DEADLINE));
        Run one = run("one rank", Loopback.ranks(1, DEADLINE));
        compare(threads, one);
        Run wires = run(
                "Spark's transport",
                LocalWires.connected(LocalWires.conf(Map.of()), Optional.empty(), RANKS, DEADLINE).stream()
                        .map(SparkTransport::over)
                        .toList());
        assertThat(wires.losses()).containsExactly(threads.losses());
    }

    /** Rounding grows from step to step, and a router's choice between equals changes at some time. */
    private static void compare(Run threads, Run one) {
        double[] differences = IntStream.range(0, STEPS)
                .mapToDouble(step -> Math.abs(threads.losses()[step] / one.losses()[step] - 1))
                .toArray();
        System.out.printf(
                Locale.ROOT,
                "%d ranks and one: losses within 1e-5 of each other for %d steps, within %.1e in all%n",
                RANKS,
                IntStream.range(0, STEPS)
                        .filter(step -> differences[step] > 1e-5)
                        .findFirst()
                        .orElse(STEPS),
                Arrays.stream(differences).max().orElseThrow());
        for (int step = 0; step < STEPS; step++) {
            assertThat(threads.losses()[step])
                    .as("step %d", step)
                    .isCloseTo(one.losses()[step], within((step < 200 ? 1e-5 : 1e-2) * one.losses()[step]));
        }
    }

    private static Run run(String what, List<? extends Collectives> ranks) {
        long start = System.nanoTime();
        List<Run> runs = Crew.run(ranks, ManyRanksBench::train);
        double seconds = (System.nanoTime() - start) / 1e9;
        runs.forEach(run -> assertThat(run.losses()).containsExactly(runs.get(0).losses()));
        double waiting = runs.stream()
                .mapToDouble(run -> run.cost().waitNanos() / 1e9)
                .average()
                .orElseThrow();
        System.out.printf(
                Locale.ROOT,
                "%s: %d ranks, %d steps in %.1f s, %.0f%% of it waiting, %.1f MB sent by a rank, loss %.3f -> %.3f%n",
                what,
                ranks.size(),
                STEPS,
                seconds,
                100 * waiting / seconds,
                runs.get(0).cost().bytes() / 1e6,
                runs.get(0).losses()[0],
                runs.get(0).losses()[STEPS - 1]);
        return runs.get(0);
    }

    private static Run train(Collectives ranks) throws Exception {
        var shares = new StepShares(RANKS, ranks.size(), RANKS / ranks.size());
        MultiLayerNetwork network =
                SmoeNetwork.create(MODEL, new FusedAdamW(1e-3), ModelInitialization.of(MODEL, 3), shares.microBatch());
        SmoeNetwork.join(network, ranks, shares, Processor.cpu("bench"), ranks.size(), NcclChoice.OFF, Duration.ZERO);
        var step = new RankStep(network);
        double[] losses = new double[STEPS];
        long start = System.nanoTime();
        for (int i = 0; i < STEPS; i++) {
            if (ranks.rank() == 0 && i > 0 && i % Math.max(1, STEPS / 50) == 0) {
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.printf(
                        Locale.ROOT,
                        "%d steps in %.0f s, %.0f s left, loss %.4f%n",
                        i,
                        seconds,
                        seconds / i * (STEPS - i),
                        losses[i - 1]);
            }
            losses[i] = step.take(share(i, shares, ranks.rank())).loss().total();
        }
        step.requireEqualParameters();
        step.release();
        return new Run(losses, ranks.cost());
    }

    /** Sequences that count in steps of one to three. */
    private static TokenBatch share(int step, StepShares shares, int rank) {
        int[][] rows = new int[shares.rows(rank)[0]][];
        int own = 0;
        for (int sequence = 0; sequence < RANKS; sequence++) {
            var random = new Random((long) step * RANKS + sequence);
            int[] row = new int[MODEL.sequenceLength()];
            int first = random.nextInt(MODEL.vocabulary());
            int stride = 1 + random.nextInt(3);
            for (int i = 0; i < row.length; i++) {
                row[i] = (first + i * stride) % MODEL.vocabulary();
            }
            if (shares.rank(sequence) == rank) {
                rows[own++] = row;
            }
        }
        return TokenBatch.ofSequences(List.of(rows));
    }
}
