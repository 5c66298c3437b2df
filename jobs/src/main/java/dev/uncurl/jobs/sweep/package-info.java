/**
 * The sweep command: expands a file of models, tasks, methods and numbers of experts to cells, and runs those whose results are
 * not there yet: dumps, plans, scores, models. It writes {@code sweep.cells}. Uses routing, prune, evaluate, train, maintain, cli, warehouse,
 * output.
 */
package dev.uncurl.jobs.sweep;
