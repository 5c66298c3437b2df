/**
 * Paired comparisons of models on the same examples: bootstrap intervals, standard errors, McNemar's test, Holm's correction,
 * smallest detectable differences, compact letter displays. Uses no other package.
 */
package dev.uncurl.statistics;
