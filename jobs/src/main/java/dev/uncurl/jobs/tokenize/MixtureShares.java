package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.Mixture;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** Computes how many examples of each task the mixture of a corpus takes. Applies to the training split only. */
final class MixtureShares {
    /** The reason under which examples that the mixture leaves out are counted. */
    static final String REASON = "left out by the mixture";

    private final TokenizeConfig.Mixture setting;
    private final String corpus;
    private final long seed;

    /** @param setting the mixture; null: all examples are taken */
    MixtureShares(TokenizeConfig.Mixture setting, String corpus, long seed) {
        this.setting = setting;
        this.corpus = corpus;
        this.seed = seed;
    }

    /** Returns the number of examples to take, by task; empty without a mixture. */
    Map<String, Long> keep(Map<StagedKey, List<CorpusOutput.Part>> parts) {
        var keep = new TreeMap<String, Long>();
        if (setting == null) {
            return keep;
        }
        var examples = new TreeMap<String, Map<String, Long>>();
        parts.forEach((key, keyParts) -> {
            if (key.kind() == StagedKey.Kind.EXAMPLE && key.split().equals("train")) {
                long count =
                        keyParts.stream().mapToInt(CorpusOutput.Part::records).sum();
                examples.computeIfAbsent(source(key.detail()), s -> new TreeMap<>())
                        .put(key.detail(), count);
            }
        });
        requireEveryPatternMatches(examples);
        new Mixture(setting.weights(), setting.taskCap(), seed)
                .take(examples)
                .values()
                .forEach(keep::putAll);
        return keep;
    }

    /** Fails if a pattern matches no task: it is misspelt or its files are missing, so the mixture would be wrong. */
    private void requireEveryPatternMatches(Map<String, Map<String, Long>> examples) {
        var names = new TreeSet<String>();
        examples.values().forEach(tasks -> tasks.keySet().forEach(task -> names.add(nameOf(task))));
        setting.tasks().forEach((source, patterns) -> {
            for (String pattern : patterns) {
                if (names.stream().noneMatch(name -> matches(pattern, name))) {
                    throw UserError.input(
                            "mixtures." + corpus + ".tasks." + source + " names " + pattern
                                    + ", but the training split of corpus " + corpus + " has no such task",
                            "No table was changed. " + Nearest.hint(pattern, names));
                }
            }
        });
    }

    private static boolean matches(String pattern, String name) {
        return pattern.endsWith("*")
                ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                : name.equals(pattern);
    }

    /** The name of a task without the name of its corpus. */
    private String nameOf(String task) {
        return task.substring(Math.min(task.length(), corpus.length() + 1));
    }

    private String source(String task) {
        String name = nameOf(task);
        String best = null;
        int longest = -1;
        for (var source : setting.tasks().entrySet()) {
            for (String pattern : source.getValue()) {
                if (matches(pattern, name) && pattern.length() > longest) {
                    longest = pattern.length();
                    best = source.getKey();
                }
            }
        }
        if (best == null) {
            throw UserError.usage(
                    "Task " + name + " of corpus " + corpus + " does not belong to a source of its mixture",
                    "Add it to mixtures." + corpus + ".tasks, by its full name or by a prefix with *.");
        }
        return best;
    }
}
