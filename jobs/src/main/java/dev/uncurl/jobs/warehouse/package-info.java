/**
 * The warehouse: tables and their definitions, model folders and their registry, names as paths, what is open and what is
 * damaged. Ground: uses spark and output only.
 */
package dev.uncurl.jobs.warehouse;
