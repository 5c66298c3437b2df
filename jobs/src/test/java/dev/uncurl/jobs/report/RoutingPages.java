package dev.uncurl.jobs.report;

import dev.uncurl.clustering.LogitSamples;
import dev.uncurl.routing.LayerRouting;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Routing of made-up routers, for pages of every size. */
final class RoutingPages {
    private RoutingPages() {}

    /** A page of one task or two, with groups of alike experts and one that is dead. */
    static RoutingPage page(String model, int experts, int layers, List<String> tasks) {
        return new RoutingPage(model, "train", tasks(experts, layers, tasks));
    }

    static List<TaskRouting> tasks(int experts, int layers, List<String> names) {
        var tasks = new ArrayList<TaskRouting>();
        for (int task = 0; task < names.size(); task++) {
            var routings = new ArrayList<LayerRouting>();
            for (int layer = 0; layer < layers; layer++) {
                routings.add(layer(experts, 2 * layer + 1, new Random(100L * task + layer)));
            }
            tasks.add(new TaskRouting(names.get(task), routings, "Data: some."));
        }
        return tasks;
    }

    private static LayerRouting layer(int experts, int layer, Random random) {
        float[] logits = new float[20 * experts];
        for (int token = 0; token < 20; token++) {
            float[] groups = {
                (float) random.nextGaussian(), (float) random.nextGaussian(), (float) random.nextGaussian()
            };
            for (int e = 0; e < experts; e++) {
                logits[token * experts + e] = 2 * groups[e * 7 % 3] + (float) random.nextGaussian() / 2;
            }
        }
        var choices = new ArrayList<Long>();
        for (int e = 0; e < experts; e++) {
            choices.add(e == 2 ? 0 : 100L + random.nextInt(2000));
        }
        return new LayerRouting(layer, choices, LogitSamples.gram(logits, experts));
    }
}
