/**
 * The tokenize command: reads corpora, filters, splits and packs their documents, and writes {@code corpus.*}. Input: files
 * and a {@link TokenizeConfig}; output: rows of the corpus tables and a dataset card. Uses cli, warehouse, spark, output.
 */
package dev.uncurl.jobs.tokenize;
