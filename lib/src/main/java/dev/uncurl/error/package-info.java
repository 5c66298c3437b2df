/**
 * The exception for errors that a user can correct: what is wrong, where, the remedy and the exit code. Uses nothing.
 */
package dev.uncurl.error;
