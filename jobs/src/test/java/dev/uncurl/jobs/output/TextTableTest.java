package dev.uncurl.jobs.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextTableTest {
    private static String cell(Object value) {
        return TextTable.of(List.of("v"), List.<Object[]>of(new Object[] {value}))
                .lines()
                .skip(2)
                .findFirst()
                .orElseThrow()
                .strip();
    }

    @Test
    void noNumberIsShownAsZeroUnlessItIsZero() {
        assertThat(cell(0.00001)).isEqualTo("1.0000e-05");
        assertThat(cell(-0.00001f)).isEqualTo("-1.0000e-05");
        assertThat(cell(Double.MIN_VALUE)).isEqualTo("4.9000e-324");
        assertThat(cell(new BigDecimal("0.0000000001"))).isEqualTo("0.0000000001");
        assertThat(cell(0.0)).isEqualTo("0.0000");
        assertThat(Digits.fixed(0.0004, 2)).isEqualTo("4.0e-04");
        assertThat(Digits.fixed(0.4, 2)).isEqualTo("0.40");
    }

    @Test
    void numbersKeepTheirSignificantDigits() {
        assertThat(cell(0.4528)).isEqualTo("0.4528");
        assertThat(cell(0.05f)).isEqualTo("0.0500");
        assertThat(cell(0.0012345)).isEqualTo("0.001235");
        assertThat(cell(1234.5)).isEqualTo("1234.5");
        assertThat(cell(123456.789012)).isEqualTo("123456.8");
        assertThat(cell(2000.0)).isEqualTo("2000");
        assertThat(cell(1e300)).isEqualTo("1.0000e+300");
        assertThat(cell(Double.NaN)).isEqualTo("NaN");
        assertThat(cell(Double.NEGATIVE_INFINITY)).isEqualTo("-Infinity");
        assertThat(cell(Long.MAX_VALUE)).isEqualTo("9223372036854775807");
    }

    @Test
    void bytesAreHexadecimal() {
        assertThat(cell(new byte[] {(byte) 0xca, (byte) 0xfe})).isEqualTo("cafe");
    }

    @Test
    void wideCharactersTakeTwoColumnsAndMarksNone() {
        assertThat(TextTable.of(List.of("a", "b"), List.of(new Object[] {"語", "x"}, new Object[] {"e\u0301", "y"})))
                .isEqualTo("a   b\n--  -\n語  x\ne\u0301   y\n");
    }

    @Test
    void linesOfAValueStayInTheirColumnAndControlCharactersDoNothing() {
        assertThat(TextTable.of(List.of("a", "b"), List.<Object[]>of(new Object[] {1, "p\n\u001b[2Jq\tr"})))
                .isEqualTo(
                        "a  b\n-  -------------\n1  p\n   \\u001b[2Jq\\tr\n".replace("-------------", "-".repeat(13)));
    }

    @Test
    void anEmptyTextIsALine() {
        assertThat(TextTable.of(List.of("a"), List.of(new Object[] {""}, new Object[] {"x"})))
                .isEqualTo("a\n-\n\nx\n");
    }
}
