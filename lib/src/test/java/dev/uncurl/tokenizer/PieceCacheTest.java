package dev.uncurl.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class PieceCacheTest {
    @Provide
    Arbitrary<Integer> vocabularies() {
        return Arbitraries.of(257, 50_257, 65_536, 65_537, 1 << 20, (1 << 20) + 1, Integer.MAX_VALUE);
    }

    /** One to five ids that depend on the piece alone, the largest of the vocabulary among them. */
    private static int[] ids(String piece, int vocabulary) {
        var random = new Random(piece.hashCode());
        int[] ids = random.ints(1 + random.nextInt(5), 0, vocabulary).toArray();
        ids[0] = random.nextBoolean() ? vocabulary - 1 : ids[0];
        return ids;
    }

    @Property(tries = 50)
    void cachedIdsAreThoseOfTheEncoderWhateverTheVocabulary(@ForAll("vocabularies") int vocabulary, @ForAll long seed) {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int word = 0; word < 200; word++) {
            int length = 1 + random.nextInt(30);
            String letters = random.nextInt(4) == 0 ? "\u00e4\u4e2d" : "abc";
            for (int i = 0; i < length; i++) {
                text.append(letters.charAt(random.nextInt(letters.length())));
            }
            text.append(' ');
        }
        String all = text.toString();
        IntStream.Builder expected = IntStream.builder();
        for (int from = 0; from < all.length(); from = Pieces.end(all, from)) {
            for (int id : ids(all.substring(from, Pieces.end(all, from)), vocabulary)) {
                expected.add(id);
            }
        }
        int[] ids = expected.build().toArray();
        var cache = new PieceCache(piece -> ids(piece, vocabulary));
        assertThat(cache.encode(all)).isEqualTo(ids);
        assertThat(cache.encode(all)).as("from the cache").isEqualTo(ids);
    }
}
