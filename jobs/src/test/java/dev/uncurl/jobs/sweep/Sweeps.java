package dev.uncurl.jobs.sweep;

import dev.uncurl.config.Settings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Sweeps of tests: settings over the defaults, models and tasks that no warehouse has. */
final class Sweeps {
    private Sweeps() {}

    /** The sweep of conf/sweep/demo with other settings. */
    static SweepConfig config(String... settings) {
        return Settings.load("sweep/demo", List.of(settings)).bind(SweepConfig.class);
    }

    static SweptModel model(String id, int experts) {
        return new SweptModel(id, "sha of " + id, experts);
    }

    /** Every task and other task of a sweep. */
    static Map<String, SweptTask> tasks(SweepConfig config) {
        var tasks = new LinkedHashMap<String, SweptTask>();
        var names = new ArrayList<>(config.tasks());
        config.tasks().forEach(task -> config.otherTask(task).ifPresent(names::add));
        names.forEach(name -> tasks.put(name, new SweptTask(name, name + "@run")));
        return tasks;
    }

    static List<Cell> cells(SweepConfig config, SweptModel... models) {
        return SearchSpace.of(config, List.of(models), List.of(), tasks(config)).cells();
    }
}
