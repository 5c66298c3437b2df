/**
 * The commands, one class each, and the Spark stages behind them. Arrays and arithmetic are lib's; this package moves
 * data between tables, model folders and lib.
 */
package dev.uncurl.jobs;
