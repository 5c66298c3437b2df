package dev.uncurl.jobs.train;

import dev.uncurl.config.Range;
import dev.uncurl.config.TrainConfig;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.jobs.output.TextTable;
import dev.uncurl.model.ModelSize;
import dev.uncurl.model.spec.ModelConfig;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** Options of pretrain for a cluster on which nothing is run yet. */
final class EstimateOptions {
    private static final List<String> HEADER = List.of(
            "ranks",
            "expert-parallel",
            "GB per rank",
            "GB per process",
            "MB sent per step and rank",
            "step, s",
            "exchange, %",
            "tokens/s",
            "whole run",
            "obstacle");

    @Option(
            names = "--estimate",
            description =
                    "Train nothing: print memory per rank, traffic, tokens/s and duration on a cluster, counted from"
                            + " measured rates, and which ranks and expert-parallel to choose.")
    private boolean estimate;

    @Option(
            names = "--ranks",
            paramLabel = "N",
            description = "With --estimate: ranks that the cluster has room for (default: train.ranks).")
    private Integer ranks;

    @Option(
            names = "--network-gbit",
            paramLabel = "RATE",
            description = "With --estimate: what a rank can send, Gbit/s (default: 10).")
    private Double gigabits;

    @Option(
            names = "--rank-gflops",
            paramLabel = "RATE",
            description = "With --estimate: what a rank computes in a training step, GFLOP/s"
                    + " (default: measured in this process, which takes some seconds).")
    private Double gigaflops;

    @Option(
            names = "--rank-memory",
            paramLabel = "GB",
            description = "With --estimate: memory outside the Java heap that a rank may take (default: any).")
    private Double memory;

    /** Whether an estimate is asked for. @throws UserError (usage) for an option that has no effect, or a value out of range */
    boolean asked() {
        requireAsked("--ranks", ranks);
        requireAsked("--network-gbit", gigabits);
        requireAsked("--rank-gflops", gigaflops);
        requireAsked("--rank-memory", memory);
        if (ranks != null) {
            Range.RANKS_OPTION.check(ranks);
        }
        check(Range.NETWORK_OPTION, gigabits);
        check(Range.GFLOPS_OPTION, gigaflops);
        check(Range.RANK_MEMORY_OPTION, memory);
        return estimate;
    }

    private void requireAsked(String option, Number value) {
        if (value != null && !estimate) {
            throw UserError.usage(
                    option + " has no effect without --estimate", "Add --estimate, or set train.ranks with --set.");
        }
    }

    private static void check(Range range, Double value) {
        if (value != null) {
            range.check(value);
        }
    }

    /** Prints the table and the choice. */
    void print(ModelConfig model, TrainConfig train) {
        int most = Math.min(ranks == null ? train.ranks() : ranks, train.batch());
        double rate = gigaflops == null ? RateProbe.gigaflops(model) : gigaflops;
        var machine = RankMachine.of(rate, gigabits == null ? 10 : gigabits);
        System.out.printf(
                Locale.ROOT,
                "%,d parameters, %,d tokens in %,d steps of %,d sequences; %s GFLOP/s a rank (%s), %s Gbit/s;"
                        + " a process has a Java heap of up to %s GB, as this one%n",
                ModelSize.parameters(model),
                train.tokens(),
                train.steps(model.sequenceLength()),
                train.batch(),
                Digits.fixed(rate, 1),
                gigaflops == null ? "measured here" : "given",
                Digits.fixed(machine.bytesPerSecond() * 8 / 1e9, 1),
                Digits.fixed(ModelSize.processBytes(0) / 1e9, 1));
        List<StepCost> shown = shown(model, train, most, machine);
        System.out.print(TextTable.of(
                HEADER,
                shown.stream().map(cost -> line(cost, model, train, machine)).toList()));
        Optional<StepCost> best = shown.stream()
                .filter(cost -> obstacle(cost).isEmpty())
                .min(Comparator.comparingDouble(machine::seconds));
        System.out.println(best.map(cost -> "Choose train.ranks = " + cost.ranks() + " and expert-parallel = "
                        + cost.expertParallel() + ".")
                .orElse("None of these fits: use more ranks or memory, a smaller micro-batch or a smaller model."));
    }

    /** All divisions of the experts among {@code most} ranks, and the best one of half as many ranks, a quarter, ... */
    private List<StepCost> shown(ModelConfig model, TrainConfig train, int most, RankMachine machine) {
        var shown = new ArrayList<>(divisions(model, train, most));
        for (int fewer = most / 2; fewer >= 1; fewer /= 2) {
            divisions(model, train, fewer).stream()
                    .min(Comparator.<StepCost, Boolean>comparing(
                                    cost -> !obstacle(cost).isEmpty())
                            .thenComparingDouble(machine::seconds))
                    .ifPresent(shown::add);
        }
        return shown;
    }

    private static List<StepCost> divisions(ModelConfig model, TrainConfig train, int ranks) {
        return IntStream.rangeClosed(1, Math.max(1, Math.min(ranks, model.moe().experts())))
                .filter(part -> ranks % part == 0)
                .mapToObj(part -> StepCost.of(model, train, ranks, part))
                .toList();
    }

    /** Why a division is not possible; empty if it is. */
    private String obstacle(StepCost cost) {
        if (cost.parameters() > ModelSize.MOST_TRAINED) {
            return "too many parameters for a rank";
        }
        return memory != null && cost.memory() > memory * 1e9 ? "too little memory" : "";
    }

    private Object[] line(StepCost cost, ModelConfig model, TrainConfig train, RankMachine machine) {
        double seconds = machine.seconds(cost);
        double tokens = (double) train.batch() * model.sequenceLength();
        return new Object[] {
            cost.ranks(),
            cost.expertParallel(),
            number(cost.memory() / 1e9, 2),
            number(processBytes(cost) / 1e9, 2),
            number(cost.sent() / 1e6, 1),
            number(seconds, 3),
            number(100 * machine.exchangeSeconds(cost) / seconds, 1),
            number(tokens / seconds, 0),
            duration(seconds * train.steps(model.sequenceLength())),
            obstacle(cost)
        };
    }

    /** What a process takes that is one rank: its arrays, the windows of sums, and the Java heap. */
    private static long processBytes(StepCost cost) {
        return ModelSize.processBytes(cost.memory() + RankPlaces.sumBytes(cost.ranks(), cost.expertParallel()));
    }

    private static BigDecimal number(double value, int decimals) {
        return BigDecimal.valueOf(value).setScale(decimals, RoundingMode.HALF_EVEN);
    }

    private static String duration(double seconds) {
        var time = Duration.ofSeconds(Math.round(seconds));
        return time.toDays() > 0
                ? time.toDays() + " d " + time.toHoursPart() + " h"
                : time.toHours() > 0
                        ? time.toHours() + " h " + time.toMinutesPart() + " min"
                        : time.toMinutes() + " min " + time.toSecondsPart() + " s";
    }
}
