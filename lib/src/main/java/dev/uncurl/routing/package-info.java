/** What a router did: Gram matrix of the logits, statistics per expert, and how partial ones add up. Uses error. */
package dev.uncurl.routing;
