/** The numeric primitives on off-heap float matrices: an oracle in plain ND4J operations and fused CPU kernels. Uses error. */
package dev.uncurl.kernel;
