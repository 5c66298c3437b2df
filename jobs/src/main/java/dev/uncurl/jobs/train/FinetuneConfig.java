package dev.uncurl.jobs.train;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.TrainConfig;

/** The configuration of a finetuning run. The model is that of the parent, so only the training is configured. */
record FinetuneConfig(TrainConfig train) {
    FinetuneConfig {
        check(train != null, "train", null, "a block of settings");
    }
}
