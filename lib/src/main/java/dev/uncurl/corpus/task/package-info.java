/**
 * Tasks with choices: definitions, prompt templates, metrics, and the row shapes of SuperGLUE. Uses corpus.row, corpus,
 * error.
 */
package dev.uncurl.corpus.task;
