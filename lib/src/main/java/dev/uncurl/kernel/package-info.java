/**
 * The numeric primitives on off-heap float matrices, as interfaces. Subpackages implement them: nd4j (plain, the oracle) and
 * vector (fused, for the CPU); {@link dev.uncurl.kernel.KernelChoice} alone knows both. Uses error.
 */
package dev.uncurl.kernel;
