package dev.uncurl.jobs.evaluate;

/**
 * A model or plan that is scored; its rows are staged, or in evaluation.examples already.
 *
 * @param key of its rows; its data are those of the inputs
 * @param inputs the examples that are scored
 * @param visible whether evaluation.examples has the rows
 */
record FinishedScores(
        ScoringKey key, ScoringInputs inputs, EvaluationMetrics metrics, StagedScores staged, boolean visible) {}
