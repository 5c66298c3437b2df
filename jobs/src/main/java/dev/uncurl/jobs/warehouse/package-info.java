/**
 * The warehouse: tables and their definitions, model folders and their registry, locks, names as paths, diagnosis of damaged
 * files. Ground: uses cluster (new Spark sessions have its plugin), spark and output only.
 */
package dev.uncurl.jobs.warehouse;
