/**
 * Spark jobs with progress, the causes of failures in them, and the GPUs that stages ask for. Ground: uses output only.
 */
package dev.uncurl.jobs.spark;
