package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;

/** Routing on the Java heap, in double precision. */
final class HostRouting implements BlockRouting {
    private final Kernels kernels;
    private final PartClock clock;
    private final int choices;
    private final Router router;
    private final TokenAssignments assignments;
    private final Dispatch dispatch;
    /** [S] gradients of the gates. */
    private final double[] slotValues;

    private final double[] squaredNorms;
    private final double[] dGates;
    private final double[] dLogits;
    private int tokens;

    HostRouting(
            Kernels kernels,
            MoeConfig moe,
            int layer,
            Parameter weight,
            int maxTokens,
            boolean training,
            PartClock clock) {
        this.kernels = kernels;
        this.clock = clock;
        choices = moe.choices(layer);
        MoeLayer shape = moe.layer(layer);
        router = new Router(kernels, moe, layer, weight, maxTokens);
        assignments = new TokenAssignments(router, shape, choices, maxTokens);
        dispatch = new Dispatch(shape.experts(), choices, maxTokens);
        slotValues = new double[training ? maxTokens * choices : 0];
        squaredNorms = new double[maxTokens * choices];
        dGates = new double[training ? maxTokens * choices : 0];
        dLogits = new double[training ? maxTokens * shape.routerRows() : 0];
    }

    @Override
    public RouterLosses losses() {
        return router.losses();
    }

    @Override
    public Dispatch dispatch() {
        return dispatch;
    }

    @Override
    public void choose(TokenBatch batch, Matrix x, Matrix scratch, double[] own) {
        tokens = batch.size();
        router.forward(batch, x, scratch);
        router.putStatistics(own, tokens);
        clock.lap(Part.ROUTER);
        assignments.take(tokens);
        double[] counts = dispatch.count(assignments, tokens);
        System.arraycopy(counts, 0, own, router.losses().size(), counts.length);
    }

    @Override
    public void sort(int count, int capacity, double[][] counts, int rank) {
        dispatch.sort(assignments, count, capacity, counts, rank);
    }

    @Override
    public void dispatch(Matrix x, Matrix rows) {
        kernels.gatherScatter().gather(x, dispatch.token, null, rows);
    }

    @Override
    public void combine(Matrix base, Matrix outputs, Matrix target) {
        kernels.gatherScatter().dot(outputs, null, outputs, squaredNorms);
        Matrix sum = base;
        for (int choice = 0; choice < choices; choice++) {
            kernels.gatherScatter().gatherAdd(sum, outputs, dispatch.slot[choice], dispatch.gateOf[choice], target);
            sum = target;
        }
    }

    @Override
    public void backwardCombine(Matrix dTarget, Matrix outputs, Matrix dOutputs) {
        kernels.gatherScatter().dot(dTarget, dispatch.token, outputs, slotValues);
        kernels.gatherScatter().gather(dTarget, dispatch.token, dispatch.gate, dOutputs);
    }

    @Override
    public void backwardDispatch(Matrix dRows, Matrix dx) {
        kernels.gatherScatter().gather(dRows, dispatch.slot[0], null, dx);
        for (int choice = 1; choice < choices; choice++) {
            kernels.gatherScatter().gatherAdd(dx, dRows, dispatch.slot[choice], null, dx);
        }
    }

    @Override
    public void backwardChoose(Matrix x, Matrix scratch, Matrix dx) {
        for (int i = 0; i < tokens * choices; i++) {
            int slot = slot(i / choices, i % choices);
            dGates[i] = slot < 0 ? 0 : slotValues[slot];
        }
        router.backward(dGates, x, scratch, dLogits, dx);
    }

    @Override
    public float logit(int token, int row) {
        return (float) router.logits[token * router.counts.length + row];
    }

    @Override
    public int row(int token, int choice) {
        return router.chosen[token * choices + choice];
    }

    @Override
    public double gate(int token, int choice) {
        return router.gates[token * choices + choice];
    }

    @Override
    public int slot(int token, int choice) {
        return dispatch.slot[assignments.carrier(token, choice)][token];
    }

    @Override
    public double squaredNorm(int slot) {
        return squaredNorms[slot];
    }

    @Override
    public int[] counts() {
        return router.counts.clone();
    }

    /** It has nothing but arrays. */
    @Override
    public void close() {}
}
