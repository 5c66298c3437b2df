/** Routing data: Gram matrices of router logits, statistics per expert, and their sums over tokens. Uses error. */
package dev.uncurl.routing;
