package dev.uncurl.jobs.train;

import static dev.uncurl.config.Check.check;

import dev.uncurl.config.TrainConfig;

/** A finetuning run: the model comes from the parent, so that only the training is configured. */
record FinetuneConfig(TrainConfig train) {
    FinetuneConfig {
        check(train != null, "train", null, "a block of settings");
    }
}
