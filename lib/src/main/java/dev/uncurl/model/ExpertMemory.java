package dev.uncurl.model;

import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.kernel.OffHeap;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Memory for the M rows that the experts of this rank get from its group. M depends on the routers, so it grows: to a quarter
 * more than a batch needs, up to the process's limit. In training each block keeps its inputs and activations for the backward
 * pass; otherwise all blocks share one set.
 */
final class ExpertMemory implements AutoCloseable {
    /** Room for more rows than needed: one part of {@value}. */
    private static final int SLACK = 4;

    private final Kernels kernels;
    private final DataType type;
    private final ExpertShare share;
    private final boolean training;
    private final long others;
    /** By layer; null in dense blocks. */
    private final Rows[] blocks;
    /** The same for all blocks, since a pass computes them one after another. */
    private final Rows common;

    /** Matrices with the same number of rows. */
    private final class Rows {
        final int[] columns;
        Matrix[] matrices;
        Arena arena;
        int count;

        Rows(int... columns) {
            this.columns = columns;
        }

        long bytes(int rows) {
            return kernels.arenaBytes(elements(rows, columns));
        }

        void resize(int rows) {
            if (arena != null) {
                arena.close();
            }
            count = 0;
            arena = Arena.of(kernels, type, elements(rows, columns));
            matrices = Arrays.stream(columns)
                    .mapToObj(width -> arena.matrix(rows, width))
                    .toArray(Matrix[]::new);
            count = rows;
        }
    }

    /** @param others bytes that the model takes without this memory */
    ExpertMemory(Kernels kernels, DataType type, ModelConfig config, ExpertShare share, boolean training, long others) {
        this.kernels = kernels;
        this.type = type;
        this.share = share;
        this.training = training;
        this.others = others;
        blocks = new Rows[config.layers()];
        var set = new Rows(blockColumns(config, training));
        for (int layer : config.moeLayers()) {
            blocks[layer] = training ? new Rows(blockColumns(config, true)) : set;
        }
        common = new Rows(commonColumns(config, training));
    }

    private static int[] blockColumns(ModelConfig config, boolean training) {
        int width = config.width();
        int hidden = config.feedForward();
        return training ? new int[] {width, hidden, hidden} : new int[] {width, hidden};
    }

    private static int[] commonColumns(ModelConfig config, boolean training) {
        int width = config.width();
        return training ? new int[] {width, width, config.feedForward()} : new int[] {width, width};
    }

    private static long elements(int rows, int[] columns) {
        var measuring = Arena.measuring();
        for (int width : columns) {
            measuring.matrix(rows, width);
        }
        return measuring.elements();
    }

    /**
     * Bytes on the host of a rank when each expert of a block gets as many rows as the others.
     *
     * @param tokens of a batch of each rank
     */
    static long balancedBytes(ModelConfig config, ExpertShare share, int tokens, boolean training) {
        long blocks = 0;
        int most = 0;
        for (int layer : share.isAll() ? new int[0] : config.moeLayers()) {
            int rows = balancedRows(config, share, layer, tokens);
            long block = elements(rows, blockColumns(config, training));
            blocks = training ? blocks + block : Math.max(blocks, block);
            most = Math.max(most, rows);
        }
        return Float.BYTES * (blocks + (most == 0 ? 0 : elements(most, commonColumns(config, training))));
    }

    private static int balancedRows(ModelConfig config, ExpertShare share, int layer, int tokens) {
        int experts = config.moe().layer(layer).experts();
        long ofGroup = (long) tokens * config.moe().choices(layer) * share.parts();
        long own = (experts + share.parts() - 1L) / share.parts();
        return withSlack(Math.toIntExact(Math.min((ofGroup * own + experts - 1) / experts, Integer.MAX_VALUE / 2)));
    }

    /** The most rows of a block of which {@link #balancedBytes} are the bytes. */
    static int balancedRows(ModelConfig config, ExpertShare share, int tokens) {
        return Arrays.stream(config.moeLayers())
                .map(layer -> balancedRows(config, share, layer, tokens))
                .max()
                .orElse(0);
    }

    private static int withSlack(int rows) {
        return Math.max(1, rows + rows / SLACK);
    }

    ExpertShare share() {
        return share;
    }

    /** Rows that a block has room for. */
    int room(int layer) {
        return Math.min(blocks[layer].count, common.count);
    }

    /**
     * Makes room for the rows of a batch. The contents of the block's matrices, and of those of all blocks, are lost.
     *
     * @return null, or why there cannot be that much
     */
    String grow(int layer, int rows) {
        int target = withSlack(rows);
        long more = 0;
        for (Rows set : new Rows[] {blocks[layer], common}) {
            more += rows > set.count ? set.bytes(target) - set.bytes(set.count) : 0;
        }
        long ofDevice = kernels.freeBytes();
        if (ofDevice < Long.MAX_VALUE) {
            if (more > ofDevice) {
                return megabytes(more) + " for " + rows + " rows; its GPU has " + megabytes(ofDevice) + " left";
            }
            resize(layer, rows, target);
            return null;
        }
        long limit = OffHeap.limit();
        if (limit > 0 && others + held() + more > limit) {
            return megabytes(more) + " for " + rows + " rows, in addition to " + megabytes(others + held())
                    + ", which is over the limit of " + megabytes(limit);
        }
        long free = OffHeap.free();
        if (free > 0 && more > free) {
            return megabytes(more) + " for " + rows + " rows; its machine has " + megabytes(free) + " left";
        }
        resize(layer, rows, target);
        return null;
    }

    private void resize(int layer, int rows, int target) {
        for (Rows set : new Rows[] {blocks[layer], common}) {
            if (rows > set.count) {
                set.resize(target);
            }
        }
    }

    /** Bytes taken now. */
    long held() {
        return Arrays.stream(blocks)
                        .distinct()
                        .filter(set -> set != null && set.count > 0)
                        .mapToLong(set -> set.bytes(set.count))
                        .sum()
                + (common.count > 0 ? common.bytes(common.count) : 0);
    }

    private static String megabytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }

    /** [M, D] the rows in the order of experts; after {@link Experts#backward} their gradients. */
    Matrix inputs(int layer) {
        return blocks[layer].matrices[0];
    }

    /** [M, F] before the activation. */
    Matrix hidden(int layer) {
        return blocks[layer].matrices[1];
    }

    /** [M, F] after it. */
    Matrix activated(int layer) {
        return blocks[layer].matrices[training ? 2 : 1];
    }

    /** [M, D] as rows are sent and received. */
    Matrix wire() {
        return common.matrices[0];
    }

    /** [M, D] outputs, or their gradients, in the order of experts. */
    Matrix outputs() {
        return common.matrices[1];
    }

    /** [M, F] */
    Matrix dHidden() {
        return common.matrices[2];
    }

    @Override
    public void close() {
        for (Rows set : blocks) {
            if (set != null && set.arena != null) {
                set.arena.close();
                set.arena = null;
                set.count = 0;
            }
        }
        if (common.arena != null) {
            common.arena.close();
            common.arena = null;
            common.count = 0;
        }
    }
}
