/**
 * What connects the tasks of a barrier stage: the collectives between them ({@link dev.uncurl.jobs.cluster.SparkTransport})
 * over Spark's own network layer, with its authentication and encryption; and the plugin by which tasks find each other
 * and report to the driver ({@link dev.uncurl.jobs.cluster.ClusterPlugin}). Also what executors are before work begins on them
 * ({@link dev.uncurl.jobs.cluster.Preflight}), and what tasks compute on ({@link dev.uncurl.jobs.cluster.TaskProcessor}). Ground: uses spark only.
 */
package dev.uncurl.jobs.cluster;
