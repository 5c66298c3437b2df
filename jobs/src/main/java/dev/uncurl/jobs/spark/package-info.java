/**
 * Spark jobs with progress, and the causes of failures in them. Ground: uses output only.
 */
package dev.uncurl.jobs.spark;
