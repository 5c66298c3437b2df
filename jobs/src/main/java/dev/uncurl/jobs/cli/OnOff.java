package dev.uncurl.jobs.cli;

/** Value of an option: {@code on} or {@code off}. */
public enum OnOff {
    ON,
    OFF
}
