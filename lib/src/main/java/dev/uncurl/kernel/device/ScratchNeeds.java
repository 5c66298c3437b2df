package dev.uncurl.kernel.device;

import dev.uncurl.kernel.PassShape;
import dev.uncurl.kernel.Routing;
import dev.uncurl.kernel.device.ScratchBlocks.Use;
import java.util.EnumMap;
import java.util.Map;

/** Bytes of each scratch block of {@link DeviceKernels} for the largest pass of a model. */
final class ScratchNeeds {
    private ScratchNeeds() {}

    static Map<Use, Long> of(PassShape shape, Device device) {
        int gathered = Math.max(shape.tokens(), shape.gatheredRows());
        boolean fused = FusedAttention.takes(device, shape.heads(), shape.width());
        long square = (long) shape.heads() * shape.positions() * shape.positions() * Float.BYTES;
        long sums = (long) shape.tokens() * shape.heads() * Float.BYTES;
        boolean training = shape.training();
        var needs = new EnumMap<Use, Long>(Use.class);
        needs.put(Use.COLUMNS, columns(shape));
        int groups =
                shape.routings().stream().mapToInt(Routing.Shape::experts).max().orElse(0);
        needs.put(Use.ADDRESSES, DeviceGroupedProduct.bytes(device, groups));
        needs.put(Use.ROWS, (long) gathered * Integer.BYTES);
        needs.put(Use.GROUPS, training ? (gathered + 1L) * Integer.BYTES : 0);
        needs.put(Use.TARGETS, training ? (long) shape.tokens() * Integer.BYTES : 0);
        // sequences that share beginnings, which only models for scoring get, are never fused
        needs.put(Use.SCORES, fused && training ? 0 : square);
        needs.put(Use.D_SCORES, !training ? 0 : fused ? sums : square);
        needs.put(Use.LABELS, (long) shape.logitRows() * Integer.BYTES);
        needs.put(Use.LOG_PROBABILITIES, (long) shape.logitRows() * Double.BYTES);
        needs.put(Use.SQUARES, training ? (long) DeviceAdamW.blocks(shape.parameters()) * Double.BYTES : 0);
        return needs;
    }

    /** Of the biases of attention and of feed-forward networks, and of both parameters of a norm. */
    private static long columns(PassShape shape) {
        int wide = shape.feedForwardRows();
        if (!shape.training()) {
            return shape.expertRows() == 0 ? 0 : ColumnParts.bytes(shape.tokens(), shape.feedForward(), 1);
        }
        return max(
                ColumnParts.bytes(shape.tokens(), 3 * shape.width(), 1),
                ColumnParts.bytes(wide, Math.max(shape.feedForward(), shape.width()), 1),
                ColumnParts.bytes(shape.tokens(), shape.width(), 2));
    }

    private static long max(long... values) {
        long most = 0;
        for (long value : values) {
            most = Math.max(most, value);
        }
        return most;
    }
}
