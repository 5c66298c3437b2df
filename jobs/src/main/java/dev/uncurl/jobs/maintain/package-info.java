/**
 * The maintain command: makes room in a warehouse ({@link dev.uncurl.jobs.maintain.Retention}, which is also the last step of a
 * sweep), and relocates one that was copied or moved. Uses cli, warehouse, spark.
 */
package dev.uncurl.jobs.maintain;
