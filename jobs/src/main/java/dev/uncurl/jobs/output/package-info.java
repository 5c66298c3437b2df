/**
 * What the screen and output files show: tables as text and CSV, numbers, standard output. Ground: uses no other room.
 */
package dev.uncurl.jobs.output;
