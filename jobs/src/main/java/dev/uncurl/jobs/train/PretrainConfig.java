package dev.uncurl.jobs.train;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.TrainConfig;
import dev.uncurl.model.spec.ModelConfig;
import java.util.HashSet;
import java.util.List;

/**
 * The configuration of a pretraining run.
 *
 * @param corpora names of the corpora whose packed sequences are the training data, without duplicates
 */
record PretrainConfig(ModelConfig model, TrainConfig train, List<String> corpora) {
    PretrainConfig {
        check(model != null, "model", null, "a block of settings");
        check(train != null, "train", null, "a block of settings");
        check(
                corpora != null && !corpora.isEmpty() && new HashSet<>(corpora).size() == corpora.size(),
                "corpora",
                corpora,
                "names of tokenised corpora, each once");
    }
}
