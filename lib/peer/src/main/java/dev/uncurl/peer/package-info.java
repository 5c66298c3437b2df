/**
 * The model of {@code dev.uncurl.model} once more, in libtorch with its autograd: an independent answer for tests of
 * parity, and the opponent in benchmarks. A program of its own, {@link dev.uncurl.peer.Peer}, which shares no class with
 * the rest of Uncurl: libtorch's JavaCPP and ND4J's differ, and two implementations that share code are not two.
 */
package dev.uncurl.peer;
