/**
 * What connects the tasks of a barrier stage: the collectives between them ({@link dev.uncurl.jobs.cluster.SparkTransport})
 * over Spark's own network layer, with its authentication and encryption; and the plugin by which tasks find each other
 * and report to the driver ({@link dev.uncurl.jobs.cluster.ClusterPlugin}). Ground: uses no other room.
 */
package dev.uncurl.jobs.cluster;
