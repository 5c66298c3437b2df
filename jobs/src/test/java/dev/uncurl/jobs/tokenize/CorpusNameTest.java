package dev.uncurl.jobs.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.DrawnNames;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class CorpusNameTest {
    /** No name that a corpus cannot have is taken for one that it can. */
    @Property(tries = 1000)
    void aCorpusIsNamedByPlainLowerCasePartsOnly(@ForAll("corpusNames") String name) {
        boolean possible = name.length() <= TokenizeConfig.Corpus.LONGEST_NAME;
        for (String part : name.split("/", -1)) {
            possible &= part.matches("[a-z0-9][a-z0-9._-]*");
        }
        assertThat(isTaken(name)).isEqualTo(possible);
    }

    @Provide
    Arbitrary<String> corpusNames() {
        return Arbitraries.oneOf(DrawnNames.any(), DrawnNames.corpus());
    }

    private static boolean isTaken(String name) {
        try {
            new TokenizeConfig.Corpus(name, "flan", List.of("file"), List.of());
            return true;
        } catch (UserError userError) {
            assertThat(userError.kind()).isEqualTo(UserError.Kind.USAGE);
            return false;
        }
    }
}
