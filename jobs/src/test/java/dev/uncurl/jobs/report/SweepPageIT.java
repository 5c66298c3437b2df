package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens the page of a sweep in Chromium, as {@link StudyPageIT} does its page. */
class SweepPageIT {
    private static final int PHONE = 390;

    @Test
    void thePageFitsEveryWidthLightAndDarkAndItsPointsSpeakUnderTheKeyboard(@TempDir Path folder) throws IOException {
        var program = Chromium.program();
        String missing = "no chromium on the PATH: apt-get install chromium";
        assertThat(program.isPresent() || !"required".equals(System.getenv("CI_CHROMIUM")))
                .as(missing)
                .isTrue();
        Assumptions.assumeTrue(program.isPresent(), missing);
        Path screenshots = Files.createDirectories(Path.of("target", "screenshots"));
        Path page = folder.resolve("sweep.html");
        Files.write(
                page,
                new SweepPage(SweepStudies.study("nightly", "a-model-with-a-rather-long-name", "superglue/boolq"))
                        .toBytes());
        try (var browser = new Chromium(program.get(), Files.createDirectory(folder.resolve("profile")))) {
            for (boolean dark : new boolean[] {false, true}) {
                browser.preferDark(dark);
                for (int width : new int[] {PHONE, 1280, 1920}) {
                    assertThat(browser.show(page, width, width == PHONE)).isEmpty();
                    assertThat(number(browser, "document.documentElement.scrollWidth"))
                            .isLessThanOrEqualTo(width);
                    browser.screenshot(screenshots.resolve("sweep-" + width + (dark ? "-dark" : "") + ".png"));
                }
            }
            String shown =
                    "[...document.querySelectorAll('.tip')].filter(tip => getComputedStyle(tip).display != 'none')";
            assertThat(number(browser, shown + ".length")).isZero();
            browser.evaluate("document.querySelector('.spot[tabindex]').focus()");
            assertThat(browser.evaluate(shown + ".map(tip => tip.textContent).join()")
                            .asText())
                    .contains("K = ");
            textStaysInside(browser);
        }
    }

    private static void textStaysInside(Chromium browser) throws IOException {
        browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)");
        assertThat(
                        number(
                                browser,
                                "[...document.querySelectorAll('svg[role=img]')].filter(svg => {"
                                        + " const box = svg.getBoundingClientRect();"
                                        + " return [...svg.querySelectorAll('text')].some(text => {"
                                        + " const t = text.getBoundingClientRect();"
                                        + " return t.width > 0 && (t.left < box.left - 1 || t.right > box.right + 1); }); }).length"))
                .isZero();
    }

    private static int number(Chromium browser, String expression) throws IOException {
        return browser.evaluate(expression).asInt();
    }
}
