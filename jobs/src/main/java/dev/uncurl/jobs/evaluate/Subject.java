package dev.uncurl.jobs.evaluate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.stream.Collectors;

/**
 * What is compared: one model, or the models of one setting that differ in the seed of the plan alone.
 *
 * @param label the model's id, or what the models have in common; distinct among the subjects
 * @param setting how it was pruned, by its first model; empty if it was not
 */
record Subject(String label, List<String> models, Optional<Setting> setting) {
    /**
     * Groups models. The models of a setting are one subject if their seeds are distinct.
     *
     * @param baseline a model that stays a subject of its own
     * @return the subjects in the order of their labels, models in the order of their seeds
     */
    static List<Subject> group(String baseline, List<String> modelIds, Origins origins) {
        var settings = new HashMap<String, Setting>();
        Map<SortedMap<String, String>, List<String>> groups = new LinkedHashMap<>();
        var subjects = new ArrayList<Subject>();
        for (String id : modelIds) {
            Optional<Setting> setting = origins.of(id);
            setting.ifPresent(known -> settings.put(id, known));
            if (id.equals(baseline) || setting.isEmpty()) {
                subjects.add(new Subject(id, List.of(id), setting));
            } else {
                groups.computeIfAbsent(setting.get().key(), key -> new ArrayList<>())
                        .add(id);
            }
        }
        groups.values().forEach(models -> subjects.addAll(ofSetting(models, settings)));
        return distinct(subjects).stream()
                .sorted(Comparator.comparing(Subject::label))
                .toList();
    }

    private static List<Subject> ofSetting(List<String> models, Map<String, Setting> settings) {
        long seeds =
                models.stream().map(id -> settings.get(id).seed()).distinct().count();
        if (models.size() < 2 || seeds < models.size()) {
            return models.stream()
                    .map(id -> new Subject(id, List.of(id), Optional.of(settings.get(id))))
                    .toList();
        }
        List<String> bySeed = models.stream()
                .sorted(Comparator.comparing(id -> settings.get(id).seed()))
                .toList();
        Setting setting = settings.get(bySeed.get(0));
        return List.of(new Subject(setting.label(models.size()), bySeed, Optional.of(setting)));
    }

    /** Adds the first model to labels that several settings have in common. */
    private static List<Subject> distinct(List<Subject> subjects) {
        Map<String, Long> counts =
                subjects.stream().collect(Collectors.groupingBy(Subject::label, Collectors.counting()));
        return subjects.stream()
                .map(subject -> counts.get(subject.label) == 1
                        ? subject
                        : new Subject(
                                subject.label + " from " + subject.models.get(0), subject.models, subject.setting))
                .toList();
    }
}
