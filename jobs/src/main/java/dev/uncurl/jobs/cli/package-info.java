/**
 * Common parts of the command line: shared options, the recorded command, signals, and messages for failures. Uses
 * warehouse, spark, output.
 */
package dev.uncurl.jobs.cli;
