package dev.uncurl.jobs.report;

import dev.uncurl.jobs.evaluate.ScoringInputs;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Warehouse;

/** The data that a task has now. */
record TaskData(String task, String now) {
    static TaskData of(Warehouse warehouse, String task) {
        return new TaskData(task, CorpusRun.ids(CorpusRun.ofAll(warehouse, ScoringInputs.names(warehouse, task))));
    }

    /** The data of a result, and whether the task has other data by now. */
    String describe(String data) {
        boolean current = data.equals(now) || data.startsWith(now + " first ");
        return "Data: " + data + (current ? "" : " (the task was tokenised again, as " + now + ")");
    }
}
