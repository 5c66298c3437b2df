/**
 * The sql command: runs statements on the tables and prints their result. Uses cli, warehouse, output.
 */
package dev.uncurl.jobs.sql;
