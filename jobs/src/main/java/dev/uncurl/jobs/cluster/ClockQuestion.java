package dev.uncurl.jobs.cluster;

import java.io.Serializable;

/** An executor asks what time it is on the driver; the answer is a Long, in milliseconds since 1970. */
record ClockQuestion() implements Serializable {}
