package dev.uncurl.jobs.report;

import dev.uncurl.routing.LayerRouting;
import java.util.List;
import java.util.Locale;

/**
 * The routing of one task by a model.
 *
 * @param layers at least one, in ascending order
 * @param note a sentence about the data of the dump
 */
record TaskRouting(String name, List<LayerRouting> layers, String note) {
    /** Experts of the layer that has most. */
    int experts() {
        return layers.stream().mapToInt(LayerRouting::experts).max().orElseThrow();
    }

    /** A sentence with the size of the dump, and the note. */
    String summary(String split) {
        return String.format(
                Locale.ROOT,
                "%s (%s): %,d tokens, %d experts in each of %d layers. %s",
                name,
                split,
                layers.get(0).gram().tokens(),
                experts(),
                layers.size(),
                note);
    }
}
