package dev.uncurl.jobs;

/** Value of an option that is {@code on} or {@code off}. */
enum OnOff {
    ON,
    OFF
}
