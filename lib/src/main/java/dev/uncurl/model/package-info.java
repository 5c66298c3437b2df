/**
 * The SMoE decoder: forward and backward by hand on preallocated arrays. Uses kernel, config, error; knows neither DL4J
 * nor files.
 */
package dev.uncurl.model;
