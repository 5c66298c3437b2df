/**
 * The kernels on a device whose memory the host cannot see: {@link dev.uncurl.kernel.device.DeviceKernels} over {@link
 * dev.uncurl.kernel.device.Device}, which has the memory, the functions of {@code kernels.cu} and matrix products. {@link
 * dev.uncurl.kernel.device.CudaDevice} is an NVIDIA GPU; its libraries are found at run time, so nothing here needs them to be
 * there. Experimental. Uses kernel, error.
 */
package dev.uncurl.kernel.device;
