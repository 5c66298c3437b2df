package dev.uncurl.corpus;

import static dev.uncurl.corpus.format.Corpora.only;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.corpus.DocumentFilter.Normalization;
import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.error.UserError;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DocumentFilterTest {
    private static final LanguageRule RULE = LanguageRule.load();

    @Property(tries = 500)
    void lengthIsInCharactersWithBothEndsKept(
            @ForAll String text,
            @ForAll @IntRange(max = 20) int minimum,
            @ForAll @IntRange(min = 20, max = 60) int maximum) {
        var filter = DocumentFilter.of(minimum, maximum, Set.of(), Normalization.NONE);
        int characters = text.codePointCount(0, text.length());
        assertThat(filter.reasonToDrop(text).isEmpty()).isEqualTo(characters >= minimum && characters <= maximum);
    }

    @Test
    void eachDropHasItsReason() {
        var filter = DocumentFilter.of(3, 60, Set.of("en"), Normalization.NONE);
        assertThat(filter.reasonToDrop("ab")).contains("shorter than 3 characters");
        assertThat(filter.reasonToDrop("x".repeat(61))).contains("longer than 60 characters");
        assertThat(filter.reasonToDrop("Der Hund und die Katze sind in dem Haus."))
                .contains("language de");
        assertThat(filter.reasonToDrop("The dog and the cat are in the house.")).isEmpty();
        assertThat(filter.description()).isEqualTo("characters 3..60, languages en, normalization none");
        assertThat(DocumentFilter.none().reasonToDrop("")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "en, It was the best of times and it was the worst of times for all of them.",
        "de, Der Wagen steht vor dem Haus und die Kinder spielen auf der Straße.",
        "fr, Le chat est sur la table et il ne veut pas en descendre.",
        "es, El perro está en la casa y no quiere que los niños lo vean.",
        "pt, O cão não está em casa e os meninos foram para a rua com ele.",
        "it, Il cane è nella casa e non vuole che i bambini lo vedano.",
        "nl, De hond zit in het huis en wil niet naar buiten met de kinderen.",
        "pl, Pies jest w domu i nie chce się bawić z dziećmi na podwórku.",
        "cs, Pes je v domě a nechce si hrát s dětmi na dvoře.",
        "und, 私は学校に行きます。今日は天気がいいです。",
        "und, one two",
        "und, 12 34 56 78 90 12 34"
    })
    void proseHasTheTagOfItsLanguage(String tag, String text) {
        assertThat(RULE.tag(text)).isEqualTo(tag);
    }

    @Test
    void nearlyAllOfRealEnglishTextIsEnglish() {
        for (String file : new String[] {"fiction.txt", "nonfiction.txt", "speeches.txt", "religion_kjv.txt.xz"}) {
            var documents = only(Document.class, Corpora.read("cc100", "cc100/" + file));
            long english = documents.stream()
                    .filter(document -> RULE.tag(document.text()).equals("en"))
                    .count();
            assertThat(english).as(file).isGreaterThanOrEqualTo(documents.size() * 95L / 100);
        }
    }

    @Test
    void compositionIsDoneOnlyWhenAsked() {
        String text = "cafe\u0301";
        assertThat(Normalization.NONE.apply(text)).isSameAs(text);
        assertThat(Normalization.NFC.apply(text)).isEqualTo("caf\u00e9");
        assertThat(Normalization.NFC.apply("caf\u00e9 \ud800")).isEqualTo("caf\u00e9 \ud800");
    }

    @Test
    void impossibleFiltersAreRefused() {
        assertThatThrownBy(() -> DocumentFilter.of(5, 4, Set.of(), Normalization.NONE))
                .isInstanceOf(UserError.class);
        assertThatThrownBy(() -> DocumentFilter.of(0, 9, Set.of("eng"), Normalization.NONE))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("Did you mean en?");
    }
}
