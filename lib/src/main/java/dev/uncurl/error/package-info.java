/** How Uncurl says no: one exception with what is wrong, where, the remedy and the exit code. Uses nothing. */
package dev.uncurl.error;
