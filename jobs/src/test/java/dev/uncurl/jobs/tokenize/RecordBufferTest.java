package dev.uncurl.jobs.tokenize;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class RecordBufferTest {
    @Provide
    Arbitrary<Integer> vocabularies() {
        return Arbitraries.of(1, 50_257, 65_535, 65_536, 65_537, 1_000_000, Integer.MAX_VALUE);
    }

    /** Ids, with the largest of the vocabulary first and padding at the end. */
    private static int[] tokens(Random random, int length, int vocabulary) {
        int[] tokens = random.ints(length, 0, vocabulary).toArray();
        if (length > 0) {
            tokens[0] = vocabulary - 1;
            Arrays.fill(tokens, length - random.nextInt(length), length, -1);
        }
        return tokens;
    }

    @Property(tries = 100)
    void tokensOfAnyVocabularyReadBackBetweenOtherValues(
            @ForAll("vocabularies") int vocabulary, @ForAll @IntRange(max = 300) int length, @ForAll long seed) {
        var random = new Random(seed);
        int[] first = tokens(random, length, vocabulary);
        int[] second = tokens(random, random.nextInt(9), vocabulary);
        var buffer = new RecordBuffer()
                .put(7)
                .putTokens(first)
                .put(Long.MIN_VALUE)
                .putTokens(second)
                .put("end");
        var in = new RecordBuffer.Reader(buffer.bytes(), 0, buffer.size());
        assertThat(in.getInt()).isEqualTo(7);
        assertThat(in.getTokens()).isEqualTo(first);
        assertThat(in.getLong()).isEqualTo(Long.MIN_VALUE);
        assertThat(in.getTokens()).isEqualTo(second);
        assertThat(in.getString()).isEqualTo("end");
        assertThat(in.atEnd()).isTrue();
    }
}
