package dev.uncurl.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.apache.commons.statistics.inference.AlternativeHypothesis;
import org.apache.commons.statistics.inference.BinomialTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** McNemar's test, Holm's correction and the smallest detectable difference, against published examples and other code. */
class TestsOfPairsTest {
    /**
     * Airway hyper-responsiveness of 21 children before and after a transplantation (Bentur et al.), and complete response to a
     * consolidation therapy (Cavo et al.): the examples of Fagerland, Lydersen and Laake, 2013, and of their book, 2017.
     */
    @ParameterizedTest
    @CsvSource({"1, 7, 0.0703125, 0.0390625", "16, 6, 0.0524788, 0.0346897", "25, 2, 5.64754e-6, 3.03239e-6"})
    void publishedExamplesOfTheMidPTestComeOut(int better, int worse, double exact, double midP) {
        assertThat(new McNemar(better, worse).exact()).isCloseTo(exact, within(1e-7));
        assertThat(new McNemar(better, worse).midP()).isCloseTo(midP, within(1e-7));
    }

    /** Approval of the President in two surveys: Agresti, "Categorical Data Analysis", 1990, p. 350; by R's exact2x2. */
    @Test
    void theApprovalRatingsOfAgrestiDiffer() {
        assertThat(new McNemar(86, 150).exact()).isCloseTo(3.716e-5, within(1e-8));
        double z = (150 - 86) / Math.sqrt(150 + 86);
        assertThat(z * z).isCloseTo(17.3559, within(1e-4));
    }

    @Test
    void withoutDiscordantExamplesNothingIsShownAndFiveOfFiveAreNotEnough() {
        assertThat(new McNemar(0, 0).exact()).isEqualTo(1);
        assertThat(new McNemar(0, 0).midP()).isEqualTo(1);
        assertThat(new McNemar(0, 5).exact()).isEqualTo(0.0625);
        assertThat(new McNemar(6, 0).exact()).isEqualTo(0.03125);
    }

    @Property
    void theExactTestIsABinomialTestOfTheDiscordantExamples(
            @ForAll @IntRange(max = 300) int better, @ForAll @IntRange(max = 300) int worse) {
        var test = new McNemar(better, worse);
        double smallerTail = BinomialTest.withDefaults()
                .with(AlternativeHypothesis.LESS_THAN)
                .test(Math.max(1, better + worse), Math.min(better, worse), 0.5)
                .getPValue();
        double expected = better + worse == 0 ? 1 : Math.min(1, 2 * smallerTail);
        assertThat(test.exact()).isCloseTo(expected, within(1e-12));
        assertThat(test.midP()).isLessThanOrEqualTo(test.exact()).isPositive();
        assertThat(new McNemar(worse, better)).extracting(McNemar::exact).isEqualTo(test.exact());
    }

    /** Under no difference the exact test rejects with at most its level, by summing over all outcomes. */
    @Property
    void theExactTestKeepsItsLevel(@ForAll @IntRange(min = 1, max = 60) int discordant) {
        double rejected = 0;
        double probability = Math.pow(2, -discordant);
        for (int k = 0; k <= discordant; k++) {
            if (new McNemar(k, discordant - k).exact() <= 0.05) {
                rejected += probability;
            }
            probability *= (discordant - k) / (k + 1.0);
        }
        assertThat(rejected).isLessThanOrEqualTo(0.05);
    }

    /** The example of textbooks and of R's p.adjust: 0.005 and 0.01 are rejected at 0.05, 0.03 and 0.04 are not. */
    @Test
    void holmsExampleComesOut() {
        assertThat(Holm.adjust(new double[] {0.01, 0.04, 0.03, 0.005}))
                .containsExactly(new double[] {0.03, 0.06, 0.06, 0.02}, within(1e-12));
        assertThat(Holm.adjust(new double[0])).isEmpty();
    }

    /** The step-down procedure as Holm states it: from the smallest, reject while p <= level / (tests left). */
    @Property
    void anAdjustedValueIsBelowTheLevelIfAndOnlyIfTheStepDownProcedureRejects(
            @ForAll @Size(min = 1, max = 8) double @DoubleRange(min = 0, max = 0.2) [] pValues,
            @ForAll @DoubleRange(min = 0.01, max = 0.2) double level) {
        double[] sorted = pValues.clone();
        Arrays.sort(sorted);
        int rejected = 0;
        while (rejected < sorted.length && (sorted.length - rejected) * sorted[rejected] <= level) {
            rejected++;
        }
        assertThat(Arrays.stream(Holm.adjust(pValues)).filter(p -> p <= level).count())
                .isEqualTo(rejected);
    }

    /** The sizes of SuperGLUE's validation splits with a tenth of the examples discordant. */
    @ParameterizedTest
    @CsvSource({"56, 11.8", "100, 8.9", "104, 8.7", "277, 5.3", "638, 3.5", "3270, 1.5"})
    void whatATaskCanShowFollowsFromItsSize(long examples, double points) {
        assertThat(100 * Detectable.difference(0.1, examples)).isCloseTo(points, within(0.05));
    }

    @Test
    void theFactorIsThatOfTablesOfTheNormalDistribution() {
        assertThat(Detectable.difference(1)).isCloseTo(1.959964 + 0.841621, within(1e-6));
    }

    @Test
    void nonInferiorityLooksAtTheWorseEndOfTheInterval() {
        assertThat(new Interval(-0.009, 0.05).excludesWorseBy(0.01, true)).isTrue();
        assertThat(new Interval(-0.01, 0.05).excludesWorseBy(0.01, true)).isFalse();
        assertThat(new Interval(-0.5, 0.009).excludesWorseBy(0.01, false)).isTrue();
        assertThat(new Interval(-0.5, 0.02).excludesWorseBy(0.01, false)).isFalse();
    }
}
