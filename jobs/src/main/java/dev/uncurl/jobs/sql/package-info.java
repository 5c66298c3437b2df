/**
 * The sql command: runs SQL statements on the tables and prints the results. Uses cli, warehouse, output.
 */
package dev.uncurl.jobs.sql;
