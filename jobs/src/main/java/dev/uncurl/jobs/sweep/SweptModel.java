package dev.uncurl.jobs.sweep;

/**
 * A model of a sweep, as it was when the sweep began.
 *
 * @param sha256 of its manifest
 * @param experts E, per layer
 */
record SweptModel(String id, String sha256, int experts) {}
