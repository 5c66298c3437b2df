/** Models as folders: safetensors, config.json, manifest.json; atomic publish; reads of single tensors. Uses model, config, error. */
package dev.uncurl.checkpoint;
