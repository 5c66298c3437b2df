/**
 * How values in the memory of devices reach other ranks: from device to device by NCCL ({@link dev.uncurl.exchange.DeviceExchange}), or through the
 * host's memory and {@link dev.uncurl.collective.Collectives}, as the ranks agree at the start ({@link
 * dev.uncurl.exchange.DeviceExchanges}). Never run on a GPU. Uses collective, processor, kernel, error.
 */
package dev.uncurl.exchange;
