/**
 * The fused CPU kernels, on the Vector API and OpenBLAS. Loops here are compiled one by one: see
 * conf/spark/java17.options. Uses kernel, error.
 */
package dev.uncurl.kernel.vector;
