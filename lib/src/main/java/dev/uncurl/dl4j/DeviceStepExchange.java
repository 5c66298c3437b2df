package dev.uncurl.dl4j;

import dev.uncurl.exchange.DeviceExchange;
import dev.uncurl.exchange.DeviceExchanges;
import dev.uncurl.model.BackwardProgress;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Exchanges what devices have, from device to device: a section's sum is queued as soon as the backward pass has completed it, and runs
 * beside the rest of the pass. The order is that of {@link GradientExchange}, the same on all ranks.
 */
final class DeviceStepExchange implements StepExchange {
    private final SmoeOutputLayer layer;
    private final DeviceExchanges devices;
    private final ExchangeClock clock;
    /** Shared with other ranks. */
    private final List<Section> sections;

    DeviceStepExchange(SmoeOutputLayer layer, List<Section> sections) {
        this.layer = layer;
        devices = layer.place().devices();
        clock = layer.place().clock();
        this.sections = sections.stream().filter(Section::isShared).toList();
    }

    @Override
    public void sumGradients(Consumer<BackwardProgress> pass) {
        var sums = new Sums();
        pass.accept(sums);
        clock.time(sums::finish);
    }

    @Override
    public void shareParameters() {
        clock.time(() -> {
            Set<DeviceExchange> queued = new LinkedHashSet<>();
            for (Section section : sections) {
                DeviceExchange exchange = devices.of(section.ranks());
                exchange.allGather(layer.arrays().parameters(), section.range().from(), section.bounds());
                queued.add(exchange);
            }
            queued.forEach(DeviceExchange::finish);
        });
    }

    /** Those of one step. */
    private final class Sums implements BackwardProgress {
        /** In the order in which a backward pass completes them. */
        private final Queue<Section> waiting = new ArrayDeque<>(Section.byCompletion(sections));

        private final Set<DeviceExchange> queued = new LinkedHashSet<>();

        Sums() {
            // before the pass, which then sees how much memory is left
            for (Section section : waiting) {
                devices.of(section.ranks()).reserve(section.slice().length());
            }
        }

        @Override
        public void done(int block) {
            while (!waiting.isEmpty() && waiting.element().layer() >= block) {
                Section section = waiting.remove();
                DeviceExchange exchange = devices.of(section.ranks());
                exchange.reduceScatter(
                        layer.arrays().gradients(), section.range().from(), section.bounds());
                queued.add(exchange);
            }
        }

        /** After the pass: returns when this rank has all sums. */
        void finish() {
            done(Section.EMBEDDINGS);
            queued.forEach(DeviceExchange::finish);
        }
    }
}
