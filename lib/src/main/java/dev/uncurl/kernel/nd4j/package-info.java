/**
 * The kernels in plain ND4J operations: the tests' oracle, and what runs without the Vector API. Uses kernel.
 */
package dev.uncurl.kernel.nd4j;
