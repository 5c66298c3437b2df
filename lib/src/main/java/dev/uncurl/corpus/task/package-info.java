/**
 * Tasks with choices: definitions, prompt templates, metrics, and the row shapes of SuperGLUE and of FLAN's rows with
 * options. Uses corpus.row, corpus, error.
 */
package dev.uncurl.corpus.task;
