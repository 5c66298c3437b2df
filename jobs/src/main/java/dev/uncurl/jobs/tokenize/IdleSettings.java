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
 * Finds the settings of a tokenise run that none of its corpora heeds. One that would choose among documents or examples
 * is refused, since a user would take the result for what was chosen; one that would only give form to what is not there
 * is named.
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
     * @return lines for the user, on settings that do nothing in this run and on corpora that a setting passes over
     * @throws UserError (usage) for a filter or mixture, other than the default, that acts on nothing
     */
    static List<String> of(TokenizeConfig config) {
        var settings = new IdleSettings(config);
        settings.look();
        return settings.remarks;
    }

    private void look() {
        Map<Boolean, List<String>> byKind = config.corpora().stream()
                .collect(Collectors.partitioningBy(
                        corpus -> CorpusFormat.of(corpus.format()).givesDocuments(),
                        Collectors.mapping(TokenizeConfig.Corpus::name, Collectors.toList())));
        List<String> ofDocuments = byKind.get(true);
        String ofExamples = String.join(", ", byKind.get(false));
        config.mixtures().keySet().stream()
                .filter(ofDocuments::contains)
                .findFirst()
                .ifPresent(name -> {
                    throw UserError.usage(
                            "mixtures." + name
                                    + " does nothing: a mixture takes shares of the tasks of examples, and corpus "
                                    + name + " is of documents",
                            "Leave it out.");
                });
        Map<String, Object> filters = filters();
        if (ofDocuments.isEmpty()) {
            filters.forEach((name, value) -> {
                throw UserError.usage(
                        name + " = " + value + " does nothing: only documents are filtered, and this run has only"
                                + " corpora of examples: " + ofExamples,
                        "Leave it out, or choose among the examples' files.");
            });
            remark("sequence-length", config.sequenceLength(), defaults.sequenceLength(), "examples are not packed");
            remark("tail", config.tail(), defaults.tail(), "examples are not packed");
        } else if (!filters.isEmpty() && !ofExamples.isEmpty()) {
            remarks.add("Filters are for documents: " + ofExamples + ", of examples, is taken without "
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

    /** Filters that are not at their defaults. */
    private Map<String, Object> filters() {
        var set = new LinkedHashMap<String, Object>();
        TokenizeConfig.Filter asked = config.filter();
        TokenizeConfig.Filter usual = defaults.filter();
        addIfOther(set, "filter.minimum-characters", asked.minimumCharacters(), usual.minimumCharacters());
        addIfOther(set, "filter.maximum-characters", asked.maximumCharacters(), usual.maximumCharacters());
        addIfOther(set, "filter.languages", asked.languages(), usual.languages());
        addIfOther(set, "filter.normalization", asked.normalization(), usual.normalization());
        return set;
    }

    private static void addIfOther(Map<String, Object> set, String name, Object value, Object usual) {
        if (!Objects.equals(value, usual)) {
            set.put(name, value);
        }
    }

    private void remark(String name, Object value, Object usual, String why) {
        if (!Objects.equals(value, usual)) {
            remarks.add("Setting " + name + " = " + value + " does nothing in this run: " + why + ".");
        }
    }
}
