/**
 * Describes models: the configuration, and the name, shape and role of each tensor. Uses config, error.
 */
package dev.uncurl.model.spec;
