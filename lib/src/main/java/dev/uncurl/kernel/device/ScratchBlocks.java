package dev.uncurl.kernel.device;

import java.util.EnumMap;
import java.util.Map;

/** The scratch memory of {@link DeviceKernels}: a block for each use. */
final class ScratchBlocks implements AutoCloseable {
    /** What a block is for. */
    enum Use {
        /** Partial sums of columns. */
        COLUMNS,
        /** Where the matrices of grouped products are; in bfloat16 the workspace of their library. */
        ADDRESSES,
        /** Indices of a gather, or positions of a scatter. */
        ROWS,
        /** Scales of a gather, or where the groups of a scatter begin. */
        GROUPS,
        /** Rows that the groups of a scatter go to. */
        TARGETS,
        /** Products of rows, for the host. */
        DOTS,
        /** Attention scores, where they are in memory. */
        SCORES,
        /** Their gradients; or a sum for each query, where scores are not in memory. */
        D_SCORES,
        /** Targets of a block of logits. */
        LABELS,
        /** Their log probabilities. */
        LOG_PROBABILITIES,
        /** Partial sums of the squares of gradients. */
        SQUARES
    }

    private final Map<Use, DeviceScratch> blocks = new EnumMap<>(Use.class);

    ScratchBlocks(Device device, Staging staging) {
        for (Use use : Use.values()) {
            blocks.put(use, new DeviceScratch(device, staging));
        }
    }

    DeviceScratch of(Use use) {
        return blocks.get(use);
    }

    /** Bytes of all blocks. */
    long size() {
        return blocks.values().stream().mapToLong(DeviceScratch::size).sum();
    }

    /** Makes blocks as large as they will have to be. */
    void reserve(Map<Use, Long> bytes) {
        bytes.forEach((use, needed) -> blocks.get(use).reserve(needed));
    }

    @Override
    public void close() {
        blocks.values().forEach(DeviceScratch::close);
    }
}
