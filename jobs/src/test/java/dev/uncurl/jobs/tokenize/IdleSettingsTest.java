package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.config;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A setting acts, or the user hears of it. */
class IdleSettingsTest {
    private static final String TEXT = corpus("text", "cc100", "in");
    private static final String FLAN = corpus("flan", "flan", "in");
    private static final String MIXTURE = "{weights={cot=1},tasks={cot=[\"cot_*\"]},task-cap=100}";

    @TempDir
    private Path folder;

    private static void assertRefused(UserError.Kind kind, ThrowingCallable call, String... words) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        UserError.class, r -> assertThat(r.kind()).isEqualTo(kind))
                .hasMessageContainingAll(words);
    }

    @Test
    void filtersOfDocumentsAreRefusedWhereThereAreOnlyExamples() {
        for (String filter : List.of(
                "filter.minimum-characters=5",
                "filter.maximum-characters=500",
                "filter.languages=[en]",
                "filter.normalization=nfc")) {
            String name = filter.substring(0, filter.indexOf('='));
            assertRefused(
                    UserError.Kind.USAGE,
                    () -> IdleSettings.of(config(folder, FLAN, filter)),
                    name,
                    "apply to documents");
            assertThat(IdleSettings.of(config(folder, TEXT, filter))).isEmpty();
            assertThat(IdleSettings.of(config(folder, TEXT + FLAN, filter)))
                    .singleElement()
                    .asString()
                    .contains("flan", name);
        }
    }

    @Test
    void settingsOfSequencesAreNamedWhereThereAreOnlyExamples() {
        assertThat(IdleSettings.of(config(folder, FLAN, "tail=carry")))
                .anySatisfy(line -> assertThat(line).contains("sequence-length = 64 has no effect"))
                .anySatisfy(line -> assertThat(line).contains("tail = CARRY has no effect"));
        assertThat(IdleSettings.of(config(
                        folder, TEXT.replace("validation-paths = []", "validation-paths = [val]"), "tail=carry")))
                .singleElement()
                .asString()
                .contains("validation-fraction = 0.05 has no effect");
        assertThat(IdleSettings.of(config(
                        folder,
                        TEXT.replace("validation-paths = []", "validation-paths = [val]"),
                        "validation-fraction=0")))
                .isEmpty();
        assertThat(IdleSettings.of(config(folder, TEXT + FLAN, "tail=carry"))).isEmpty();
    }

    @Test
    void namesThatAreNoCorpusOfTheRunAreRefusedWithTheNearest() {
        String corpora = TEXT + FLAN;
        assertRefused(
                UserError.Kind.USAGE,
                () -> config(folder, corpora, "mixtures.flam=" + MIXTURE),
                "mixtures names flam",
                "Did you mean flan?");
        assertRefused(
                UserError.Kind.USAGE, () -> config(folder, corpora, "licences.txt=CC0"), "licences names txt", "text");
        assertRefused(
                UserError.Kind.USAGE,
                () -> config(folder, corpora, "duplicates={within=corpus,against=[flan]}"),
                "duplicates.against",
                "flan");
        assertRefused(
                UserError.Kind.USAGE,
                () -> IdleSettings.of(config(folder, corpora, "mixtures.text=" + MIXTURE)),
                "mixtures.text has no effect");
    }

    @Test
    void aPatternOfAMixtureThatNamesNoTaskIsRefusedWithTheNearest() {
        Map<StagedKey, List<CorpusOutput.Part>> parts = new TreeMap<>();
        for (String task : List.of("flan/cot_ecqa", "flan/winogrande")) {
            parts.put(StagedKey.examples("train", task), List.of(new CorpusOutput.Part("file", 0, 10, 7)));
        }
        Map<String, Double> weights = Map.of("cot", 1.0, "rest", 1.0);
        assertThat(new MixtureShares(
                                new TokenizeConfig.Mixture(
                                        weights, Map.of("cot", List.of("cot_*"), "rest", List.of("winogrande")), 100),
                                "flan",
                                1)
                        .keep(parts))
                .hasSize(2);
        var misspelt = new TokenizeConfig.Mixture(
                weights, Map.of("cot", List.of("cot_*"), "rest", List.of("*", "winogrand")), 100);
        assertRefused(
                UserError.Kind.INPUT,
                () -> new MixtureShares(misspelt, "flan", 1).keep(parts),
                "winogrand",
                "Did you mean winogrande?");
    }
}
