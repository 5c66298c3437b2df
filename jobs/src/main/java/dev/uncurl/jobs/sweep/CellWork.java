package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.sweep.CellStatus.Results;
import java.util.Optional;

/** What a cell needs, makes and leaves. */
interface CellWork {
    /** The results of a cell, if all of them are there for the same inputs, whoever made them. */
    Optional<Results> find(Cell cell);

    /** Makes what of a cell's results is missing. */
    Results run(Cell cell);

    /** Whether no cell can be run after this failure: Spark has stopped, or the reader of standard output is gone. */
    boolean isTheEnd(RuntimeException failure);
}
