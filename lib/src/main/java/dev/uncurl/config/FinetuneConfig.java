package dev.uncurl.config;

import static dev.uncurl.config.Check.check;

/** A finetuning run: the model comes from the parent, so that only the training is configured. */
public record FinetuneConfig(TrainConfig train) {
    public FinetuneConfig {
        check(train != null, "train", null, "a block of settings");
    }
}
