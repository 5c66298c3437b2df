package dev.uncurl.dl4j;

import dev.uncurl.model.BackwardProgress;
import dev.uncurl.model.spec.ElementRange;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Copies gradients from a device to the host as soon as they are final, and only then says so to the exchange that sums them there. */
final class StagedGradients implements BackwardProgress {
    private final Supplier<RankArrays> arrays;
    private final BackwardProgress exchange;
    private final List<Section> waiting;

    /** @param arrays not asked for before the pass, which may allocate them */
    StagedGradients(Supplier<RankArrays> arrays, List<Section> sections, BackwardProgress exchange) {
        this.arrays = arrays;
        this.exchange = exchange;
        waiting = new ArrayList<>(sections.stream().filter(Section::isShared).toList());
    }

    @Override
    public void done(int layer) {
        bring(layer);
        exchange.done(layer);
    }

    /** After the pass. */
    void bringRest() {
        bring(Section.EMBEDDINGS);
    }

    private void bring(int layer) {
        for (Section section : List.copyOf(waiting)) {
            if (section.layer() >= layer) {
                arrays.get().gradientsToHost(section.range());
                waiting.remove(section);
            }
        }
    }

    /** The rank's sums, back to the device. */
    static void takeSums(RankArrays arrays, List<Section> sections) {
        sections.stream().filter(Section::isShared).map(Section::slice).forEach(arrays::gradientsFromHost);
    }

    /** The parameters that this rank has updated, to the host. */
    static void giveParameters(RankArrays arrays, List<Section> sections) {
        sections.stream().filter(Section::isShared).map(Section::slice).forEach(arrays::parametersToHost);
    }

    /** The parameters that the other ranks have updated, to the device. */
    static void takeParameters(RankArrays arrays, List<Section> sections) {
        for (Section section : sections) {
            if (section.isShared()) {
                ElementRange own = section.slice();
                arrays.parametersFromHost(new ElementRange(section.range().from(), own.from()));
                arrays.parametersFromHost(
                        new ElementRange(own.to(), section.range().to()));
            }
        }
    }
}
