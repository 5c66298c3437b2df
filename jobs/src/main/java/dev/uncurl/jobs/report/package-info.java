/**
 * The report command: compares results as text, and draws the routing page as HTML. Reads tables only. Uses evaluate (to
 * resolve the names of tasks), cli, warehouse, output.
 */
package dev.uncurl.jobs.report;
