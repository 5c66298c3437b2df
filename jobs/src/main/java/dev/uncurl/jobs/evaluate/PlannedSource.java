package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.model.FlatWeights;
import dev.uncurl.model.spec.ExpertShare;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.ParameterLayout;
import dev.uncurl.pruning.MergeOptions;
import dev.uncurl.pruning.Plan;
import dev.uncurl.pruning.PlannedWeights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.hadoop.fs.Path;

/**
 * A plan applied to its model in memory. A task merges experts while it reads them from the parent's folder; the parent itself
 * is not loaded, and nothing is written.
 */
record PlannedSource(ModelCache.Reference parent, Plan plan, MergeOptions options) implements ModelCache.Source {
    /** Identifies the weights: parent, plan and everything else that determines them. */
    String sha256() {
        String all = String.join(
                "\n",
                "planned",
                parent.manifestSha256(),
                plan.id(),
                options.router().id(),
                Boolean.toString(options.align()),
                options.dtype().id());
        return DigestUtils.sha256Hex(all.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public ModelCache.Loaded load() {
        String what = "Model " + new Path(parent.folder()).getName() + " with plan " + plan.id();
        return ModelCache.load(sha256(), what, () -> {
            var weights = new PlannedWeights(parent.open(), plan, options);
            ModelConfig config = weights.config();
            return new ModelCache.Loaded(config, FlatWeights.load(ParameterLayout.of(config), weights));
        });
    }

    @Override
    public ModelCache.Loaded load(ExpertShare share) throws IOException {
        var weights = new PlannedWeights(parent.open(), plan, options);
        ModelConfig config = weights.config();
        return new ModelCache.Loaded(config, FlatWeights.load(ParameterLayout.of(config, share), weights));
    }
}
