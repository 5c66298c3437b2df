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
    private final Router router;
    private final TokenAssignments assignments;
    private final Dispatch dispatch;
    private final int expertCount;
    private final BlockExperts experts;
    /** [S] squared norms of the experts' outputs by slot; in the backward pass, the gradients of the gates. */
    private final double[] slotValues;

    private final double[] squaredNorms;
    private final double[] dGates;
    private final double[] dLogits;
    private int tokens;

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
        router = new Router(kernels, moe, layer, source.get(ParameterLayout.router(layer)), maxTokens);
        assignments = new TokenAssignments(router, shape, choices, maxTokens);
        dispatch = new Dispatch(shape.experts(), choices, maxTokens);
        expertCount = shape.experts();
        experts = divided == null
                ? new LocalExperts(new Experts(kernels, source, layer, 0, expertCount), clock)
                : new DividedExperts(kernels, source, layer, expertCount, divided, clock);
        boolean training = source.gradients() != null;
        slotValues = new double[training ? maxTokens * choices : 0];
        squaredNorms = new double[maxTokens * choices];
        dGates = new double[training ? maxTokens * choices : 0];
        dLogits = new double[training ? maxTokens * routerRows : 0];
    }

    /**
     * @param limited whether experts have a capacity, as in training; otherwise nothing is dropped
     * @param peers the ranks whose tokens are routed together
     * @throws UserError (input) on every rank if a logit of any rank is not finite
     */
    void route(TokenBatch batch, Buffers.Block block, Buffers buffers, boolean limited, Peers peers) {
        tokens = batch.size();
        int statistics = router.losses().size();
        int numbers = statistics + choices * expertCount;
        double[] own = new double[numbers + 1];
        try {
            router.forward(
                    batch,
                    block.normed2().first(tokens),
                    buffers.routerLogits(routerRows).first(tokens));
        } catch (UserError fault) {
            Arrays.fill(own, Double.NaN);
            peers.gather(own); // the other ranks wait for it
            throw fault;
        }
        router.putStatistics(own, tokens);
        clock.lap(Part.ROUTER);
        assignments.take(tokens);
        System.arraycopy(dispatch.count(assignments, tokens), 0, own, statistics, choices * expertCount);
        own[numbers] = experts.room();
        clock.lap(Part.DISPATCH);
        double[][] all = peers.gather(own);
        if (peers != Peers.NONE) {
            clock.lap(Part.EXCHANGE);
        }
        requireFinite(all);
        router.losses().take(all);
        double[][] counts = Arrays.stream(all)
                .map(rank -> Arrays.copyOfRange(rank, statistics, numbers))
                .toArray(double[][]::new);
        int capacity = limited ? moe.capacity(layer, router.losses().tokens()) : Integer.MAX_VALUE;
        dispatch.sort(assignments, tokens, capacity, counts, peers.rank());
        double[] rooms = Arrays.stream(all).mapToDouble(rank -> rank[numbers]).toArray();
        experts.prepare(dispatch, counts, capacity, rooms, peers);
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
        int slots = dispatch.size();
        Matrix dispatched = block.dispatched().first(slots);
        Matrix expertOutput = block.expertOutput().first(slots);
        kernels.gatherScatter().gather(block.normed2().first(tokens), dispatch.token, null, dispatched);
        clock.lap(Part.DISPATCH);
        experts.forward(block);
        kernels.gatherScatter().dot(expertOutput, null, expertOutput, squaredNorms);
        Matrix base = block.middle().first(tokens);
        for (int choice = 0; choice < choices; choice++) {
            kernels.gatherScatter()
                    .gatherAdd(base, expertOutput, dispatch.slot[choice], dispatch.gateOf[choice], output);
            base = output;
        }
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
        int slots = dispatch.size();
        Matrix dOutput = buffers.dStream.first(tokens);
        Matrix dNormed = buffers.dNormed.first(tokens);
        Matrix expertOutput = block.expertOutput().first(slots);
        Matrix dExpertOutput = buffers.dExpertOutput.first(slots);
        kernels.gatherScatter().dot(dOutput, dispatch.token, expertOutput, slotValues);
        kernels.gatherScatter().gather(dOutput, dispatch.token, dispatch.gate, dExpertOutput);
        clock.lap(Part.DISPATCH);
        experts.backward(block, buffers);
        Matrix dDispatched = expertOutput;
        kernels.gatherScatter().gather(dDispatched, dispatch.slot[0], null, dNormed);
        for (int choice = 1; choice < choices; choice++) {
            kernels.gatherScatter().gatherAdd(dNormed, dDispatched, dispatch.slot[choice], null, dNormed);
        }
        for (int i = 0; i < tokens * choices; i++) {
            int slot = slot(i / choices, i % choices);
            dGates[i] = slot < 0 ? 0 : slotValues[slot];
        }
        clock.lap(Part.DISPATCH);
        Matrix dRouted = buffers.routerLogits(routerRows).first(tokens);
        router.backward(dGates, block.normed2().first(tokens), dRouted, dLogits, dNormed);
        clock.lap(Part.ROUTER);
    }

    /** The slot that contains the choice's part of the output; -1 for padding, a zeroed row and a dropped choice. */
    private int slot(int token, int choice) {
        return dispatch.slot[assignments.carrier(token, choice)][token];
    }

    double balance() {
        return router.losses().balance();
    }

    double z() {
        return router.losses().z();
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
        return (float) router.logits[token * routerRows + expert];
    }

    @Override
    public int expert(int token, int choice) {
        return router.chosen[token * choices + choice];
    }

    @Override
    public float gate(int token, int choice) {
        return (float) router.gates[token * choices + choice];
    }

    @Override
    public boolean dropped(int token, int choice) {
        int row = expert(token, choice);
        return row >= 0 && expertOfRow[row] >= 0 && slot(token, choice) < 0;
    }

    @Override
    public int droppedAssignments() {
        int dropped = 0;
        for (int i = 0; i < tokens * choices; i++) {
            dropped += dropped(i / choices, i % choices) ? 1 : 0;
        }
        return dropped;
    }

    @Override
    public float outputNorm(int token, int choice) {
        int slot = slot(token, choice);
        return slot < 0 ? 0 : (float) Math.sqrt(squaredNorms[slot]);
    }

    @Override
    public int[] expertTokens() {
        return router.counts.clone();
    }
}
