package dev.uncurl.jobs.sweep;

import java.time.Duration;
import java.util.function.IntConsumer;

/**
 * The threads that run cells.
 *
 * @param count cells at a time
 * @param begin called by each thread as it begins, with its number from 1
 * @param look time until cells that other runs hold are looked at again
 */
record Workers(int count, IntConsumer begin, Duration look) {}
