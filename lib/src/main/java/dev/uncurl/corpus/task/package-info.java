/**
 * Tasks with choices: definition, prompt template, metrics, and the shapes of the rows of SuperGLUE. Uses corpus.row, corpus,
 * error.
 */
package dev.uncurl.corpus.task;
