/**
 * Operations in which all ranks of a training run take part: sums, exchanges and barriers over ranges of off-heap floats
 * ({@link dev.uncurl.collective.Collectives}). {@link dev.uncurl.collective.Loopback} connects ranks that are threads of
 * one JVM; jobs has the transport between Spark's executors. Uses no other package.
 */
package dev.uncurl.collective;
