package dev.uncurl.jobs.report;

import java.util.List;
import java.util.Optional;

/**
 * What the page of a study shows: a model, how it was trained, and what pruning it costs on tasks.
 *
 * @param model the unpruned model
 * @param split that was scored
 * @param curves training of the model and its ancestors, the first run first
 * @param models the model's lineage, the first first, then the models that were compared with it
 * @param warehouse the folder, if it is not the default
 */
record Study(
        StudiedModel model,
        String split,
        List<LossCurve> curves,
        List<StudiedModel> models,
        List<Task> tasks,
        Optional<String> warehouse) {

    /**
     * One task of the study.
     *
     * @param data what is to be said about its data
     * @param before comparison with the model
     * @param after comparisons with models that were finetuned from the model, as their pruned versions were
     * @param routing of the model, if it was dumped
     * @param routingSplit split of the dump
     */
    record Task(
            String name,
            String data,
            Optional<StoredComparison> before,
            List<StoredComparison> after,
            Optional<TaskRouting> routing,
            String routingSplit) {}
}
