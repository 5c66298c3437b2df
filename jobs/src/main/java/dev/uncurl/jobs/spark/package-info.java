/**
 * Spark jobs with progress, and what Spark wraps around a failure. Ground: uses output only.
 */
package dev.uncurl.jobs.spark;
