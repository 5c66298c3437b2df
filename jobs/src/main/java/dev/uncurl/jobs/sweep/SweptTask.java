package dev.uncurl.jobs.sweep;

/**
 * A task or corpus of a sweep, as it was when the sweep began.
 *
 * @param data the tokenise run that it is from
 */
record SweptTask(String name, String data) {}
