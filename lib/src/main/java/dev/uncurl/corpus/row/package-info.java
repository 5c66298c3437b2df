/**
 * One JSON row of a corpus and its fields, or the reason why it is rejected. Uses corpus.
 */
package dev.uncurl.corpus.row;
