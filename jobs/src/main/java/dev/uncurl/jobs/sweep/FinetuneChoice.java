package dev.uncurl.jobs.sweep;

import static dev.uncurl.config.Check.check;

import java.util.List;

/**
 * How every cell is finetuned on its task.
 *
 * @param recipe a configuration of finetune, such as train/demo-finetune, or none
 * @param seeds of the finetuning
 */
record FinetuneChoice(String recipe, List<Long> seeds) {
    FinetuneChoice {
        check(recipe != null, "finetune.recipe", null, "a configuration such as train/demo-finetune, or none");
        SettingLists.requireSome("finetune.seeds", seeds);
        SettingLists.requireDistinct(seeds);
    }
}
