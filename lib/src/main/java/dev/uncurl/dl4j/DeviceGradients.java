package dev.uncurl.dl4j;

import dev.uncurl.exchange.DeviceExchange;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.model.BackwardProgress;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Sums the gradients of one step over the ranks from device to device, by sections: a section's sum is queued as soon as the backward pass has
 * completed it, and runs beside the rest of the pass. The order is that of {@link GradientExchange}, the same on all ranks.
 */
final class DeviceGradients implements BackwardProgress {
    private final Supplier<RankArrays> arrays;
    private final DeviceExchanges devices;
    /** In the order in which a backward pass completes them. */
    private final List<Section> waiting;

    private final Set<DeviceExchange> queued = new LinkedHashSet<>();

    /** @param arrays of a device; not asked for before the pass, which may allocate them */
    DeviceGradients(Supplier<RankArrays> arrays, List<Section> sections, DeviceExchanges devices) {
        this.arrays = arrays;
        this.devices = devices;
        waiting = new ArrayList<>(Section.byCompletion(sections));
        // before the pass, which then sees how much memory is left
        for (Section section : waiting) {
            devices.of(section.ranks()).reserve(section.slice().length());
        }
    }

    @Override
    public void done(int layer) {
        while (!waiting.isEmpty() && waiting.get(0).layer() >= layer) {
            Section section = waiting.remove(0);
            DeviceExchange exchange = devices.of(section.ranks());
            exchange.reduceScatter(arrays.get().gradients(), section.range().from(), section.bounds());
            queued.add(exchange);
        }
    }

    /** After the pass: returns when this rank has all sums. */
    void finish() {
        done(Section.EMBEDDINGS);
        queued.forEach(DeviceExchange::finish);
    }

    /** Sends the slices that this rank has updated to all others, and gets theirs. */
    static void shareParameters(RankArrays arrays, List<Section> sections, DeviceExchanges devices) {
        Set<DeviceExchange> queued = new LinkedHashSet<>();
        for (Section section : sections) {
            if (section.isShared()) {
                DeviceExchange exchange = devices.of(section.ranks());
                exchange.allGather(arrays.parameters(), section.range().from(), section.bounds());
                queued.add(exchange);
            }
        }
        queued.forEach(DeviceExchange::finish);
    }
}
