package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.DrawnNames;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tag;

@Tag("slow")
class PathNameTest {
    @Provide
    Arbitrary<String> names() {
        return DrawnNames.any();
    }

    /** Names that are easily mistaken for a name. */
    private static List<String> lookalikes(String name) {
        return List.of(
                name.toLowerCase(Locale.ROOT),
                name.toUpperCase(Locale.ROOT),
                name.replace('/', '_'),
                name.replace("/", "__"),
                name + ".",
                name + " ",
                Normalizer.normalize(name, Normalizer.Form.NFC),
                Normalizer.normalize(name, Normalizer.Form.NFD),
                PathName.of(name));
    }

    private static void assertApart(String[] one, String[] other) {
        assertThat(PathName.of(one)).isNotEqualToIgnoringCase(PathName.of(other));
    }

    @Property(tries = 5000)
    void anyNameGivesOneShortPlainPartOfAPath(@ForAll("names") String name) {
        String path = PathName.of("kind", name);
        assertThat(PathName.of(name))
                .doesNotStartWith(".")
                .doesNotStartWith("_")
                .doesNotEndWith(".");
        assertThat(path).matches("[a-zA-Z0-9%+~._-]+").isNotIn(".", "..");
        assertThat(path.getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(PathName.LONGEST);
    }

    @Property(tries = 5000)
    void namesThatDifferGivePathsThatDifferInMoreThanCase(@ForAll("names") String one, @ForAll("names") String other) {
        Assume.that(!one.equals(other));
        assertApart(new String[] {one}, new String[] {other});
        assertApart(new String[] {"model", one}, new String[] {"model", other});
        assertApart(new String[] {one, other}, new String[] {other, one});
    }

    @Property(tries = 2000)
    void noNameMeetsOneThatLooksLikeIt(@ForAll("names") String name) {
        for (String other : lookalikes(name)) {
            if (!other.equals(name)) {
                assertApart(new String[] {name}, new String[] {other});
            }
        }
    }

    @Property(tries = 2000)
    void namesTogetherAreNotTakenForOthersTogether(
            @ForAll("names") String one, @ForAll("names") String two, @ForAll("names") String three) {
        assertApart(new String[] {one, two + "+" + three}, new String[] {one + "+" + two, three});
        assertApart(new String[] {one, two, three}, new String[] {one, two + "+" + three});
        Assume.that(!one.isEmpty());
        assertApart(new String[] {one, two}, new String[] {one + two});
    }

    @Example
    void plainNamesStayReadable() {
        assertThat(PathName.of("cc100")).isEqualTo("cc100");
        assertThat(PathName.of("evaluation", "demo-base", "superglue/boolq"))
                .isEqualTo("evaluation+demo-base+superglue%2Fboolq");
        assertThat(PathName.of("..", "A")).isEqualTo("%2E%2E+%41");
    }

    @Property(tries = 2000)
    void aModelsNameIsRefusedOrIsItsFolder(@ForAll("names") String name) {
        if (name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,99}")) {
            assertThat(PathName.plain("model", name)).isEqualTo(name);
        } else {
            assertThatThrownBy(() -> PathName.plain("model", name))
                    .isInstanceOfSatisfying(UserError.class, userError -> assertThat(userError.kind())
                            .isEqualTo(UserError.Kind.USAGE));
        }
    }
}
