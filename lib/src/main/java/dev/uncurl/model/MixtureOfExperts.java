package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;
import dev.uncurl.model.spec.ParameterLayout;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Router and experts of one block: output = input + sum over chosen e of gate_e expert_e(x). Tokens are sorted by
 * expert, so that each expert is one product over contiguous rows. In training, an expert takes at most
 * {@link MoeConfig#capacity} assignments; a dropped choice and one of a zeroed row ({@link MoeLayer#ZEROED}) add nothing,
 * so a token without any other passes unchanged.
 */
final class MixtureOfExperts implements RoutingView {
    private final Kernels kernels;
    private final PartClock clock;
    private final int layer;
    private final MoeConfig moe;
    private final int choices;
    private final int[] expertOfRow;
    private final int routerRows;
    private final BlockRouting routing;
    private final int expertCount;
    private final BlockExperts experts;
    private int tokens;
    /** Assignments of the last batch to experts, dropped ones too. */
    private int assigned;

    /** @param divided the memory for rows of other ranks; null if this process has all experts */
    MixtureOfExperts(
            Kernels kernels,
            ModelConfig config,
            Parameter.Source source,
            int layer,
            int maxTokens,
            PartClock clock,
            ExpertMemory divided) {
        this.kernels = kernels;
        this.clock = clock;
        this.layer = layer;
        moe = config.moe();
        choices = moe.choices(layer);
        MoeLayer shape = moe.layer(layer);
        expertOfRow = shape.expertOfRow();
        routerRows = expertOfRow.length;
        Parameter weight = source.get(ParameterLayout.router(layer));
        boolean training = source.gradients() != null;
        BlockRouting onDevice = KernelRouting.of(kernels, moe, layer, weight, maxTokens, clock);
        routing =
                onDevice != null ? onDevice : new HostRouting(kernels, moe, layer, weight, maxTokens, training, clock);
        expertCount = shape.experts();
        experts = divided == null
                ? new LocalExperts(new Experts(kernels, source, layer, 0, expertCount), clock)
                : new DividedExperts(kernels, source, layer, expertCount, divided, clock);
    }

    /**
     * @param limited whether experts have a capacity, as in training; otherwise nothing is dropped
     * @param peers the ranks whose tokens are routed together
     * @throws UserError (input) on every rank if a logit of any rank is not finite
     */
    void route(TokenBatch batch, Buffers.Block block, Buffers buffers, boolean limited, Peers peers) {
        tokens = batch.size();
        int statistics = routing.losses().size();
        int numbers = statistics + choices * expertCount;
        double[] own = new double[numbers + 1];
        try {
            routing.choose(
                    batch,
                    block.normed2().first(tokens),
                    buffers.routerLogits(routerRows).first(tokens),
                    own);
        } catch (UserError fault) {
            Arrays.fill(own, Double.NaN);
            peers.gather(own); // the other ranks wait for it
            throw fault;
        }
        assigned = (int) Arrays.stream(own, statistics, numbers).sum();
        own[numbers] = experts.room();
        clock.lap(Part.DISPATCH);
        double[][] all = peers.gather(own);
        if (peers != Peers.NONE) {
            clock.lap(Part.EXCHANGE);
        }
        requireFinite(all);
        routing.losses().take(all);
        double[][] counts = Arrays.stream(all)
                .map(rank -> Arrays.copyOfRange(rank, statistics, numbers))
                .toArray(double[][]::new);
        int capacity = limited ? moe.capacity(layer, routing.losses().tokens()) : Integer.MAX_VALUE;
        routing.sort(tokens, capacity, counts, peers.rank());
        double[] rooms = Arrays.stream(all).mapToDouble(rank -> rank[numbers]).toArray();
        experts.prepare(routing.dispatch(), counts, capacity, rooms, peers);
        clock.lap(Part.DISPATCH);
    }

    private void requireFinite(double[][] ranks) {
        for (int rank = 0; rank < ranks.length; rank++) {
            if (Double.isNaN(ranks[rank][0])) {
                throw UserError.input(
                        "The router of block " + layer + " gives a logit that is not finite on rank " + rank,
                        Router.DIVERGED);
            }
        }
    }

    /** @param output [N, D] the residual stream after the block, written */
    void forward(Buffers.Block block, Matrix output) {
        int slots = routing.dispatch().size();
        routing.dispatch(block.normed2().first(tokens), block.dispatched().first(slots));
        clock.lap(Part.DISPATCH);
        experts.forward(block);
        routing.combine(block.middle().first(tokens), block.expertOutput().first(slots), output);
        clock.lap(Part.DISPATCH);
    }

    /**
     * Runs every expert on every token that is not padding, independent of the router. Must be called between
     * {@link #route} and {@link #forward}, which overwrites the memory that it uses.
     */
    void sumOutputs(TokenBatch batch, Buffers.Block block, Buffers buffers, ExpertOutputs outputs) {
        int[] token = IntStream.range(0, tokens)
                .filter(i -> batch.tokens()[i] != TokenBatch.NONE)
                .toArray();
        Matrix x = block.dispatched().first(token.length);
        kernels.gatherScatter().gather(block.normed2().first(tokens), token, null, x);
        double[][] sums = experts.sums(token.length, block, buffers);
        for (int row = 0; row < routerRows && token.length > 0; row++) {
            int expert = expertOfRow[row];
            outputs.take(layer, row, expert < 0 ? new double[block.normed2().columns()] : sums[expert].clone());
        }
    }

    /** Writes the gradient of normed2 to {@code buffers.dNormed}, given that of the stream after the block. */
    void backward(Buffers.Block block, Buffers buffers) {
        int slots = routing.dispatch().size();
        Matrix dNormed = buffers.dNormed.first(tokens);
        Matrix expertOutput = block.expertOutput().first(slots);
        routing.backwardCombine(buffers.dStream.first(tokens), expertOutput, buffers.dExpertOutput.first(slots));
        clock.lap(Part.DISPATCH);
        experts.backward(block, buffers);
        // expertOutput has become the gradient of the dispatched rows
        routing.backwardDispatch(expertOutput, dNormed);
        clock.lap(Part.DISPATCH);
        Matrix dRouted = buffers.routerLogits(routerRows).first(tokens);
        routing.backwardChoose(block.normed2().first(tokens), dRouted, dNormed);
        clock.lap(Part.ROUTER);
    }

    double balance() {
        return routing.losses().balance();
    }

    double z() {
        return routing.losses().z();
    }

    @Override
    public int tokens() {
        return tokens;
    }

    @Override
    public int experts() {
        return routerRows;
    }

    @Override
    public int topK() {
        return choices;
    }

    @Override
    public float logit(int token, int expert) {
        return routing.logit(token, expert);
    }

    @Override
    public int expert(int token, int choice) {
        return routing.row(token, choice);
    }

    @Override
    public float gate(int token, int choice) {
        return (float) routing.gate(token, choice);
    }

    @Override
    public boolean dropped(int token, int choice) {
        int row = expert(token, choice);
        return row >= 0 && expertOfRow[row] >= 0 && routing.slot(token, choice) < 0;
    }

    @Override
    public int droppedAssignments() {
        int[] counts = routing.counts();
        int live = IntStream.range(0, routerRows)
                .filter(row -> expertOfRow[row] >= 0)
                .map(row -> counts[row])
                .sum();
        int missing = assigned - routing.dispatch().size();
        if (missing == 0 || live == assigned) {
            return missing; // without a look at each token, whose choices may be in a device's memory
        }
        int dropped = 0;
        for (int i = 0; i < tokens * choices; i++) {
            dropped += dropped(i / choices, i % choices) ? 1 : 0;
        }
        return dropped;
    }

    @Override
    public float outputNorm(int token, int choice) {
        int slot = routing.slot(token, choice);
        return slot < 0 ? 0 : (float) Math.sqrt(routing.squaredNorm(slot));
    }

    @Override
    public int[] expertTokens() {
        return routing.counts();
    }

    /** Releases what the routing has in a device's memory. */
    void close() {
        routing.close();
    }
}
