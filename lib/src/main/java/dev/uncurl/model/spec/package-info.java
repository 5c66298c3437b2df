/**
 * What a model is made of: its configuration, and the name, shape and role of each of its tensors. Uses config, error.
 */
package dev.uncurl.model.spec;
