package dev.uncurl.jobs.train;

import dev.uncurl.checkpoint.CheckpointPart;
import dev.uncurl.collective.Collectives;
import dev.uncurl.dl4j.RankStep;
import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.model.TrainStep;
import dev.uncurl.model.Weights;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** One rank in one segment: makes its network, takes the steps, and writes its part of the checkpoint. */
final class RankRun {
    private final Segment segment;
    private final Collectives ranks;
    private final Processor processor;
    private final LossGuard guard;
    private final IntervalLog log;

    /** @param processor computes; not closed here */
    RankRun(Segment segment, Collectives ranks, Processor processor) {
        this.segment = segment;
        this.ranks = ranks;
        this.processor = processor;
        guard = new LossGuard(segment.train().spikeFactor());
        log = segment.log();
    }

    /**
     * @param configuration of the network, as JSON
     * @param shares the rank's sequences of each step
     * @param slots task slots that all ranks have together
     * @param follower gets every step
     */
    RankOutcome run(String configuration, StepShare.Source shares, int slots, Consumer<StepMetrics> follower)
            throws IOException {
        MultiLayerNetwork network = SmoeNetwork.create(
                MultiLayerConfiguration.fromJson(configuration),
                segment.start().parameters(),
                ExpertShare.of(ranks.rank(), segment.train().expertParallel()));
        SmoeNetwork.join(network, ranks, segment.shares(), processor, slots, TaskProcessor.nccl(), segment.deadline());
        var step = new RankStep(network);
        boolean done = false;
        try {
            segment.start().restoreMoments(network);
            network.setIterationCount(segment.from());
            StepMetrics bad = steps(step, shares, follower);
            CheckpointPart part = bad == null ? writeTogether(network, step) : null;
            List<TrainingInterval> intervals = log.intervals();
            done = true;
            return new RankOutcome(
                    ranks.rank(),
                    part,
                    intervals.subList(segment.before().size(), intervals.size()),
                    bad,
                    describe(step));
        } finally {
            if (!done) {
                ranks.close(); // other ranks may still read this one's memory
            }
            step.release();
            SmoeNetwork.release(network);
        }
    }

    private TaskProcessor.Description describe(RankStep step) {
        var device = TaskProcessor.Description.of(processor);
        return ranks.size() == 1 ? device : device.exchanging(step.exchange());
    }

    /** Takes all steps, up to a bad one, which is returned; null if all are good. */
    private StepMetrics steps(RankStep step, StepShare.Source shares, Consumer<StepMetrics> follower) {
        int every = segment.train().checksumEvery();
        for (int number = segment.from() + 1; number <= segment.to(); number++) {
            StepMetrics metrics = take(number, step, shares);
            if (!guard.isGood(metrics, log.intervals())) {
                return metrics;
            }
            log.add(metrics);
            follower.accept(metrics);
            if (every > 0 && number % every == 0) {
                step.requireEqualParameters();
            }
        }
        return null;
    }

    private StepMetrics take(int number, RankStep step, StepShare.Source shares) {
        long start = System.nanoTime();
        StepShare share = shares.next();
        long read = System.nanoTime();
        long waitBefore = step.waitNanos();
        long exchangeBefore = step.exchangeNanos();
        long bytesBefore = step.sentBytes();
        TrainStep.Result result = step.take(share.tokens());
        long wait = step.waitNanos() - waitBefore;
        long exchange = step.exchangeNanos() - exchangeBefore;
        long compute = System.nanoTime() - read - wait - exchange;
        long bytes = step.sentBytes() - bytesBefore;
        long[][] all = ranks.gather(new long[] {share.hash(), bytes, compute, wait, exchange, read - start});
        double seconds = (System.nanoTime() - start) / 1e9;
        long hash = Arrays.stream(all).mapToLong(rank -> rank[0]).sum();
        long[][] nanos = Arrays.stream(all)
                .map(rank -> Arrays.copyOfRange(rank, 2, rank.length))
                .toArray(long[][]::new);
        double sent = Arrays.stream(all).mapToLong(rank -> rank[1]).average().orElseThrow();
        return StepMetrics.of(number, result, hash, StepTimes.of(seconds, nanos, sent));
    }

    /** Writes this rank's part. All ranks end together, so that the others notice one that hangs while it writes. */
    private CheckpointPart writeTogether(MultiLayerNetwork network, RankStep step) throws IOException {
        try {
            step.bringHome();
            return write(network);
        } finally {
            ranks.barrier();
        }
    }

    private CheckpointPart write(MultiLayerNetwork network) throws IOException {
        Weights parameters = SmoeNetwork.parameters(network);
        requireFinite(parameters, SmoeNetwork.layout(network));
        var slice = new CheckpointPart.Slice(ranks.rank(), ranks.size(), SmoeNetwork.updated(network));
        return CheckpointPart.write(segment.staging(), parameters, SmoeNetwork.moments(network)::part, slice);
    }

    /** Checks the weights directly, because no later loss shows an error of the last steps. */
    private void requireFinite(Weights parameters, ParameterLayout layout) throws IOException {
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            parameters.read(tensor.name(), (values, count, at) -> {
                for (int i = 0; i < count; i++) {
                    if (!Float.isFinite(values[i])) {
                        throw UserError.diverged(
                                segment.what() + " diverged: tensor " + tensor.name() + " has the value " + values[i]
                                        + " at index " + (at + i),
                                "To train from the start, lower train.learning-rate or raise train.warmup.");
                    }
                }
            });
        }
    }
}
