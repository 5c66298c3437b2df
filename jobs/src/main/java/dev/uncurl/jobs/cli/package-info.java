/**
 * What commands share at the command line: options, the recorded command, signals, and the messages for failures. Uses
 * warehouse, spark, output.
 */
package dev.uncurl.jobs.cli;
