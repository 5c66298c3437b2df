package dev.uncurl.jobs.tokenize;

import dev.uncurl.config.Settings;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Finds settings that have no effect on any corpus of a tokenise run. A setting that would select documents or examples
 * is an error, because the user would assume that the selection was made. A setting that only changes the form of rows
 * which the run does not write gives a remark.
 */
final class IdleSettings {
    private final TokenizeConfig config;
    private final TokenizeConfig defaults = Settings.load(
                    "tokenize/defaults", List.of("corpora=[{name=any,format=cc100,paths=[any],validation-paths=[]}]"))
            .bind(TokenizeConfig.class);
    private final List<String> remarks = new ArrayList<>();

    private IdleSettings(TokenizeConfig config) {
        this.config = config;
    }

    /**
     * @return lines for the user about settings without effect in this run, and about corpora to which a setting does
     *     not apply
     * @throws UserError (usage) for a non-default filter or mixture without effect
     */
    static List<String> of(TokenizeConfig config) {
        var settings = new IdleSettings(config);
        settings.check();
        return settings.remarks;
    }

    private void check() {
        Map<Boolean, List<String>> byKind = config.corpora().stream()
                .collect(Collectors.partitioningBy(
                        corpus -> CorpusFormat.of(corpus.format()).givesDocuments(),
                        Collectors.mapping(TokenizeConfig.Corpus::name, Collectors.toList())));
        List<String> documentCorpora = byKind.get(true);
        String exampleCorpora = String.join(", ", byKind.get(false));
        config.mixtures().keySet().stream()
                .filter(documentCorpora::contains)
                .findFirst()
                .ifPresent(name -> {
                    throw UserError.usage(
                            "mixtures." + name
                                    + " has no effect: a mixture selects among tasks of examples, but corpus " + name
                                    + " has documents",
                            "Leave it out.");
                });
        Map<String, Object> filters = filters();
        if (documentCorpora.isEmpty()) {
            filters.forEach((name, value) -> {
                throw UserError.usage(
                        name + " = " + value + " has no effect: filters apply to documents, but this run has only"
                                + " corpora of examples: " + exampleCorpora,
                        "Leave it out, or select the files of examples instead.");
            });
            remark("sequence-length", config.sequenceLength(), defaults.sequenceLength(), "examples are not packed");
            remark("tail", config.tail(), defaults.tail(), "examples are not packed");
        } else if (!filters.isEmpty() && !exampleCorpora.isEmpty()) {
            remarks.add("Filters apply to documents only: the examples of " + exampleCorpora + " are read without "
                    + String.join(", ", filters.keySet()) + ".");
        }
        boolean noneByContent = config.corpora().stream()
                .noneMatch(corpus -> corpus.validationPaths().isEmpty());
        if (noneByContent && config.validationFraction() > 0) {
            remark(
                    "validation-fraction",
                    config.validationFraction(),
                    defaults.validationFraction(),
                    "every corpus has validation-paths");
        }
    }

    /** Returns the filters that differ from their defaults. */
    private Map<String, Object> filters() {
        var set = new LinkedHashMap<String, Object>();
        TokenizeConfig.Filter configured = config.filter();
        TokenizeConfig.Filter standard = defaults.filter();
        addIfOther(set, "filter.minimum-characters", configured.minimumCharacters(), standard.minimumCharacters());
        addIfOther(set, "filter.maximum-characters", configured.maximumCharacters(), standard.maximumCharacters());
        addIfOther(set, "filter.languages", configured.languages(), standard.languages());
        addIfOther(set, "filter.normalization", configured.normalization(), standard.normalization());
        return set;
    }

    private static void addIfOther(Map<String, Object> set, String name, Object value, Object standard) {
        if (!Objects.equals(value, standard)) {
            set.put(name, value);
        }
    }

    private void remark(String name, Object value, Object standard, String why) {
        if (!Objects.equals(value, standard)) {
            remarks.add("Setting " + name + " = " + value + " has no effect in this run: " + why + ".");
        }
    }
}
