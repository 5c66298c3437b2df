/**
 * Settings: records bound from HOCON. A record validates its own values; an unknown key is an error that suggests the
 * nearest valid key. Uses error only.
 */
package dev.uncurl.config;
