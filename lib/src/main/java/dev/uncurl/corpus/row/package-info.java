/** Parses one JSON row of a corpus and its fields, or gives the reason of its rejection. Uses corpus. */
package dev.uncurl.corpus.row;
