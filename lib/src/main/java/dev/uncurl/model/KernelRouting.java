package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.MatrixProduct;
import dev.uncurl.kernel.Routing;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.model.spec.MoeLayer;

/** Routing in a device's memory: the host sees sums and counts, and decisions only if it is asked for them. */
final class KernelRouting implements BlockRouting {
    private final Kernels kernels;
    private final PartClock clock;
    private final MoeConfig moe;
    private final int layer;
    private final int choices;
    private final int[] expertOfRow;
    private final Parameter weight;
    private final Routing routing;
    private final RouterLosses losses;
    private final Dispatch dispatch;
    private Routing.Sums sums;
    private int tokens;
    /** Null until asked for. */
    private Routing.Decisions decisions;

    private KernelRouting(
            Kernels kernels, MoeConfig moe, int layer, Parameter weight, Routing routing, PartClock clock) {
        this.kernels = kernels;
        this.clock = clock;
        this.moe = moe;
        this.layer = layer;
        this.weight = weight;
        this.routing = routing;
        choices = moe.choices(layer);
        MoeLayer shape = moe.layer(layer);
        expertOfRow = shape.expertOfRow();
        boolean[] live = new boolean[expertOfRow.length];
        for (int row = 0; row < live.length; row++) {
            live[row] = expertOfRow[row] >= 0;
        }
        losses = new RouterLosses(moe, live, shape.liveRows());
        dispatch = new Dispatch(shape.experts(), choices, 0);
    }

    /** Null if the kernels route on the host. */
    static KernelRouting of(
            Kernels kernels, MoeConfig moe, int layer, Parameter weight, int maxTokens, PartClock clock) {
        Routing routing = kernels.routing(shape(moe, layer, maxTokens));
        return routing == null ? null : new KernelRouting(kernels, moe, layer, weight, routing, clock);
    }

    static Routing.Shape shape(MoeConfig moe, int layer, int maxTokens) {
        MoeLayer block = moe.layer(layer);
        boolean renormalize = moe.renormalize() && moe.topK() > 1;
        return new Routing.Shape(maxTokens, moe.choices(layer), block.experts(), renormalize, block.expertOfRow());
    }

    @Override
    public RouterLosses losses() {
        return losses;
    }

    @Override
    public Dispatch dispatch() {
        return dispatch;
    }

    @Override
    public void choose(TokenBatch batch, Matrix x, Matrix scratch, double[] own) {
        tokens = batch.size();
        decisions = null;
        kernels.matrixProduct().exact().multiply(x, false, weight.value(), true, 0, routing.logits(tokens));
        int routed = 0;
        for (int token = 0; token < tokens; token++) {
            routed += batch.tokens()[token] == TokenBatch.NONE ? 0 : 1;
        }
        sums = routing.choose(routed == tokens ? null : batch.tokens());
        if (!sums.finite()) {
            throw notFinite(batch);
        }
        int rows = expertOfRow.length;
        own[0] = routed;
        own[1] = sums.squares();
        for (int row = 0; row < rows; row++) {
            own[2 + row] = sums.chosen()[row];
        }
        System.arraycopy(sums.probability(), 0, own, 2 + rows, rows);
        System.arraycopy(sums.assigned(), 0, own, losses.size(), sums.assigned().length);
        clock.lap(Part.ROUTER);
    }

    private UserError notFinite(TokenBatch batch) {
        for (int token = 0; token < tokens; token++) {
            for (int row = 0; row < expertOfRow.length && batch.tokens()[token] != TokenBatch.NONE; row++) {
                if (!Float.isFinite(logit(token, row))) {
                    return Router.notFinite(batch, layer, moe.layer(layer), token, row, logit(token, row));
                }
            }
        }
        throw new IllegalStateException("A logit of block " + layer + " was not finite, and now all are");
    }

    @Override
    public void sort(int count, int capacity, double[][] counts, int rank) {
        routing.sort(dispatch.place(capacity, counts, rank), dispatch.start);
    }

    @Override
    public void dispatch(Matrix x, Matrix rows) {
        routing.dispatch(x, rows);
    }

    @Override
    public void combine(Matrix base, Matrix outputs, Matrix target) {
        routing.combine(base, outputs, target);
    }

    @Override
    public void backwardCombine(Matrix dTarget, Matrix outputs, Matrix dOutputs) {
        routing.backwardCombine(dTarget, outputs, dOutputs);
    }

    @Override
    public void backwardDispatch(Matrix dRows, Matrix dx) {
        routing.backwardDispatch(dRows, dx);
    }

    @Override
    public void backwardChoose(Matrix x, Matrix scratch, Matrix dx) {
        double[] slopes = new double[expertOfRow.length];
        for (int row = 0; row < slopes.length; row++) {
            slopes[row] = losses.balanceSlope(row);
        }
        routing.backwardChoose(slopes, losses.zSlope(1), scratch);
        MatrixProduct product = kernels.matrixProduct().exact();
        product.multiply(scratch, true, x, false, 0, weight.gradient());
        product.multiply(scratch, false, weight.value(), false, 1, dx);
    }

    private Routing.Decisions decisions() {
        if (decisions == null) {
            decisions = routing.decisions();
        }
        return decisions;
    }

    private boolean isPadding(int token) {
        return row(token, 0) < 0;
    }

    @Override
    public float logit(int token, int row) {
        return isPadding(token) ? 0 : decisions().logits()[token * expertOfRow.length + row];
    }

    @Override
    public int row(int token, int choice) {
        return decisions().chosen()[token * choices + choice];
    }

    @Override
    public double gate(int token, int choice) {
        int row = row(token, choice);
        return row < 0 || expertOfRow[row] < 0 ? 0 : decisions().shares()[token * choices + choice];
    }

    @Override
    public int slot(int token, int choice) {
        int carrier = choice;
        for (int better = choice - 1; better >= 0 && !isPadding(token); better--) {
            int expert = expertOfRow[row(token, better)];
            carrier = expert >= 0 && expert == expertOfRow[row(token, choice)] ? better : carrier;
        }
        return decisions().slots()[carrier * tokens + token];
    }

    @Override
    public double squaredNorm(int slot) {
        return decisions().squaredNorms()[slot];
    }

    @Override
    public int[] counts() {
        return sums.chosen().clone();
    }

    @Override
    public void close() {
        routing.close();
    }
}
