/** Text to token ids and back: GPT-2's byte pair encoding, also truncated to its first merges. Uses error. */
package dev.uncurl.tokenizer;
