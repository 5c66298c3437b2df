package dev.uncurl.jobs.sweep;

import java.util.Locale;

/** Why a cell is in a sweep. */
enum Role {
    /** A control: the model as it is. */
    PARENT,
    /** A plan of one of the sweep's methods, made on the task that it is scored on. */
    METHOD,
    /** A control: experts kept at random. */
    RANDOM,
    /** A control: the plan of a method that was made on another task. Only if it costs more is pruning specific to the task. */
    OTHER_TASK,
    /** A control: a model of the same shape that was pretrained with K experts, or none. */
    SCRATCH;

    /** The name in sweep.cells. */
    String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
