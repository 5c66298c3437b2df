/**
 * Model folders: safetensors files, config.json and manifest.json; published atomically, read tensor by tensor. Uses model,
 * config, error.
 */
package dev.uncurl.checkpoint;
