package dev.uncurl.model;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * The matrices that a pass writes. N is the maximal number of tokens of a batch, S = N * top-k the maximal number of
 * assignments of tokens to experts (N in a dense block). In training, each block keeps its own matrices for the
 * backward pass; in scoring, all blocks share one set.
 */
final class Buffers {
    /**
     * The matrices of one block. The output of a block is the input of the next.
     *
     * @param input [N, D] the residual stream before the block
     * @param statistics1 [N, 2] of the first norm
     * @param normed1 [N, D]
     * @param qkv [N, 3D]
     * @param logSumExp [N, H] of the attention scores
     * @param attended [N, D] before the output projection
     * @param middle [N, D] the residual stream after attention
     * @param statistics2 [N, 2] of the second norm
     * @param normed2 [N, D]
     * @param hidden [S, F] before the activation
     * @param activated [S, F] after it
     * @param dispatched [S, D] normed2 in the order of experts; null in a dense block. If experts are divided, all blocks share
     *     it: the rank of an expert keeps its inputs, and the activations, in {@link ExpertMemory}
     * @param expertOutput [S, D] likewise, but each block has its own
     */
    record Block(
            Matrix input,
            Matrix statistics1,
            Matrix normed1,
            Matrix qkv,
            Matrix logSumExp,
            Matrix attended,
            Matrix middle,
            Matrix statistics2,
            Matrix normed2,
            Matrix hidden,
            Matrix activated,
            Matrix dispatched,
            Matrix expertOutput) {}

    final List<Block> blocks = new ArrayList<>();
    /** [N, D] the residual stream after the last block. */
    final Matrix output;
    /** [N, D] the next term of the residual stream. */
    final Matrix branch;
    /** [1, F] an expert's activations, summed over tokens; null without experts. */
    final Matrix activatedSum;
    /** [N, R] router logits, later their gradients, by the router's number of rows R. */
    private final Map<Integer, Matrix> routerLogits = new HashMap<>();
    /** [N, D], [N, D], [N, 2]: the rows of the stream with a target, these rows normed, and the norm's statistics. */
    final Matrix predicted;

    final Matrix predictedNormed;
    final Matrix predictedStatistics;
    /** [P, V] logits of the P positions that there is room for; the rows may be padded. */
    final Matrix logits;

    /** Gradients: null in scoring. Of the residual stream [N, D]. */
    final Matrix dStream;
    /** [N, D] of a norm's output. */
    final Matrix dNormed;
    /** [N, D] of the concatenated heads of the attention. */
    final Matrix dAttended;
    /** [N, 3D] */
    final Matrix dQkv;
    /** [S, F] */
    final Matrix dHidden;
    /** [S, D] of the experts' outputs. */
    final Matrix dExpertOutput;

    /**
     * @param share the experts that this process has
     * @param room for logits
     */
    Buffers(ModelConfig config, ExpertShare share, int tokens, boolean training, LogitRoom room, Arena arena) {
        int width = config.width();
        boolean moe = config.moeLayers().length > 0;
        boolean divided = moe && !share.isAll();
        Matrix sent = divided ? arena.matrix(assignments(config, tokens, true), width) : null;
        for (int layer = 0; layer < config.layers(); layer++) {
            boolean experts = !training || config.isMoe(layer);
            blocks.add(
                    training || layer == 0
                            ? divided
                                    ? divided(config, tokens, training, experts, sent, arena)
                                    : block(config, tokens, training, experts, arena)
                            : blocks.get(0));
        }
        long assignments = assignments(config, tokens, moe);
        output = training ? arena.matrix(tokens, width) : blocks.get(0).input();
        branch = arena.matrix(tokens, width);
        activatedSum = moe ? arena.matrix(1, config.feedForward()) : null;
        for (int layer : config.moeLayers()) {
            int rows = config.moe().layer(layer).routerRows();
            if (!routerLogits.containsKey(rows)) {
                routerLogits.put(rows, arena.matrix(tokens, rows));
            }
        }
        predicted = arena.matrix(tokens, width);
        predictedNormed = arena.matrix(tokens, width);
        predictedStatistics = arena.matrix(tokens, 2);
        logits = room.in(arena, tokens, config.vocabulary());
        dStream = training ? arena.matrix(tokens, width) : null;
        dNormed = training ? arena.matrix(tokens, width) : null;
        dAttended = training ? arena.matrix(tokens, width) : null;
        dQkv = training ? arena.matrix(tokens, 3L * width) : null;
        dHidden = training ? arena.matrix(divided ? tokens : assignments, config.feedForward()) : null;
        dExpertOutput = training && moe ? arena.matrix(assignments, width) : null;
    }

    /** [N, R] */
    Matrix routerLogits(int routerRows) {
        return routerLogits.get(routerRows);
    }

    private static long assignments(ModelConfig config, int tokens, boolean moe) {
        return moe ? (long) tokens * config.moe().topK() : tokens;
    }

    /** @param moe whether the block needs room for experts */
    private static Block block(ModelConfig config, int tokens, boolean training, boolean moe, Arena arena) {
        boolean experts = moe && config.moeLayers().length > 0;
        long assignments = assignments(config, tokens, experts);
        return block(
                config,
                tokens,
                training,
                assignments,
                place -> experts ? arena.matrix(assignments, config.width()) : null,
                arena);
    }

    /** A block whose experts are divided among ranks. @param sent [S, D] shared by all blocks */
    private static Block divided(
            ModelConfig config, int tokens, boolean training, boolean moe, Matrix sent, Arena arena) {
        boolean dense = !training || !moe;
        long assignments = assignments(config, tokens, true);
        return block(
                config,
                tokens,
                training,
                dense ? tokens : 0,
                place -> place == 0 ? sent : moe ? arena.matrix(assignments, config.width()) : null,
                arena);
    }

    /**
     * @param activations rows of hidden and activated; 0 if others keep them
     * @param rows gives dispatched (0) and expertOutput (1)
     */
    private static Block block(
            ModelConfig config, int tokens, boolean training, long activations, IntFunction<Matrix> rows, Arena arena) {
        int width = config.width();
        Matrix input = arena.matrix(tokens, width);
        Matrix normed1 = arena.matrix(tokens, width);
        Matrix hidden = activations == 0 ? null : arena.matrix(activations, config.feedForward());
        return new Block(
                input,
                arena.matrix(tokens, 2),
                normed1,
                arena.matrix(tokens, 3L * width),
                arena.matrix(tokens, config.heads()),
                arena.matrix(tokens, width),
                training ? arena.matrix(tokens, width) : input,
                arena.matrix(tokens, 2),
                training ? arena.matrix(tokens, width) : normed1,
                hidden,
                training && activations > 0 ? arena.matrix(activations, config.feedForward()) : hidden,
                rows.apply(0),
                rows.apply(1));
    }
}
