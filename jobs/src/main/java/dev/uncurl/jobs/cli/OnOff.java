package dev.uncurl.jobs.cli;

/** Value of an option that is {@code on} or {@code off}. */
public enum OnOff {
    ON,
    OFF
}
