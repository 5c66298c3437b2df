/**
 * Interfaces of the numeric operations on off-heap float matrices. Subpackages implement them: nd4j (plain, the oracle)
 * and vector (fused, for the CPU); {@link dev.uncurl.kernel.KernelChoice} chooses between them. Uses error.
 */
package dev.uncurl.kernel;
