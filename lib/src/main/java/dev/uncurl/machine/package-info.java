/**
 * What a process finds where it runs: processor, Java, kernels, limits of memory, GPUs. Uses kernel.
 */
package dev.uncurl.machine;
