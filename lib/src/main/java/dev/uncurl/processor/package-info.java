/**
 * What computes the models of one task: the CPU or a device ({@link dev.uncurl.processor.Processor}), and the setting that chooses it
 * ({@link dev.uncurl.processor.DeviceChoice}). Uses kernel, error.
 */
package dev.uncurl.processor;
