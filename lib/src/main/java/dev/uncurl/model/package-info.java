/**
 * The SMoE decoder: hand-written forward and backward passes on preallocated arrays. Uses exchange, processor, kernel, collective, config, error; knows
 * neither DL4J nor files.
 */
package dev.uncurl.model;
