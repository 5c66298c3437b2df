package dev.uncurl.jobs;

import dev.uncurl.config.TokenizeConfig;
import dev.uncurl.corpus.Mixture;
import dev.uncurl.error.Refusal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How many examples of each task a corpus's mixture takes; of the training split alone. */
final class MixtureShares {
    /** Reason under which examples that are not taken are counted. */
    static final String REASON = "left out by the mixture";

    private final TokenizeConfig.Mixture setting;
    private final String corpus;
    private final long seed;

    /** @param setting null: everything is taken */
    MixtureShares(TokenizeConfig.Mixture setting, String corpus, long seed) {
        this.setting = setting;
        this.corpus = corpus;
        this.seed = seed;
    }

    /** Examples to take by task; empty without a mixture. */
    Map<String, Long> keep(Map<StagedKey, List<CorpusOutput.Part>> parts) {
        var keep = new TreeMap<String, Long>();
        if (setting == null) {
            return keep;
        }
        var examples = new TreeMap<String, Map<String, Long>>();
        parts.forEach((key, lies) -> {
            if (key.kind() == StagedKey.Kind.EXAMPLE && key.split().equals("train")) {
                long count = lies.stream().mapToInt(CorpusOutput.Part::records).sum();
                examples.computeIfAbsent(source(key.detail()), s -> new TreeMap<>())
                        .put(key.detail(), count);
            }
        });
        new Mixture(setting.weights(), setting.taskCap(), seed)
                .take(examples)
                .values()
                .forEach(keep::putAll);
        return keep;
    }

    private String source(String task) {
        String name = task.substring(Math.min(task.length(), corpus.length() + 1));
        String best = null;
        int longest = -1;
        for (var source : setting.tasks().entrySet()) {
            for (String pattern : source.getValue()) {
                boolean matches = pattern.endsWith("*")
                        ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                        : name.equals(pattern);
                if (matches && pattern.length() > longest) {
                    longest = pattern.length();
                    best = source.getKey();
                }
            }
        }
        if (best == null) {
            throw Refusal.usage(
                    "Task " + name + " of corpus " + corpus + " is in no source of its mixture",
                    "Name it in mixtures." + corpus + ".tasks, by itself or by a beginning with *.");
        }
        return best;
    }
}
