/**
 * Files of corpora: finding and listing them, decompression, byte ranges, lines, and the hash of what was read. Uses error.
 */
package dev.uncurl.corpus.io;
