package dev.uncurl.jobs.cluster;

/**
 * The name of one transfer to this rank.
 *
 * @param group which ranks take part; the same number on all of them
 * @param sequence of the operation in its group
 * @param step of the operation
 * @param sender a rank of the run
 */
record Tag(long group, long sequence, int step, int sender) {}
