/**
 * Settings: records bound from HOCON. A record checks its own values; an unknown key is refused with the nearest valid
 * one. Uses error only.
 */
package dev.uncurl.config;
