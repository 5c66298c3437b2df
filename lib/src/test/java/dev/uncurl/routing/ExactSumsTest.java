package dev.uncurl.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class ExactSumsTest {
    private static final int SIZE = 5;

    /** Of any size below the limit, the largest ones too. */
    private static double term(Random random) {
        double size = Math.scalb(random.nextDouble(), 34 - random.nextInt(100));
        return random.nextBoolean() ? size : -size;
    }

    @Property(tries = 60)
    void rowsOfTermsAreTheirTermsOneByOne(@ForAll long seed, @ForAll @IntRange(max = 400) int rows) {
        var random = new Random(seed);
        var one = new ExactSums(SIZE);
        var row = new ExactSums(SIZE);
        var exact = new BigDecimal[SIZE];
        java.util.Arrays.fill(exact, BigDecimal.ZERO);
        for (int r = 0; r < rows; r++) {
            double[] terms = new double[1 + random.nextInt(SIZE)];
            for (int i = 0; i < terms.length; i++) {
                terms[i] = r % 3 == 0 ? Math.nextDown(ExactSums.TERM_LIMIT) : term(random);
                one.add(i, terms[i]);
                exact[i] = exact[i].add(rounded(terms[i]));
            }
            row.addRow(terms);
            if (random.nextInt(50) == 0) {
                assertThat(row.value(0)).isEqualTo(one.value(0));
            }
        }
        var merged = new ExactSums(SIZE);
        merged.merge(row);
        for (int i = 0; i < SIZE; i++) {
            assertThat(row.value(i)).isEqualTo(one.value(i)).isEqualTo(merged.value(i));
            double expected = exact[i].doubleValue();
            assertThat(row.value(i)).isCloseTo(expected, within(2 * Math.ulp(expected)));
        }
    }

    /** To a multiple of 2^-56. */
    private static BigDecimal rounded(double term) {
        var units = new BigDecimal(term).multiply(new BigDecimal(0x1p56)).setScale(0, RoundingMode.HALF_EVEN);
        return units.divide(new BigDecimal(0x1p56));
    }
}
