package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens the page of a study in Chromium, as {@link RoutingPageIT} does its page. */
class StudyPageIT {
    private static final int PHONE = 400;

    @Test
    void thePageOpensWithoutComplaintInEveryWidthLightAndDark(@TempDir Path folder) throws IOException {
        var program = Chromium.program();
        String missing = "no chromium on the PATH: apt-get install chromium";
        assertThat(program.isPresent() || !"required".equals(System.getenv("CI_CHROMIUM")))
                .as(missing)
                .isTrue();
        Assumptions.assumeTrue(program.isPresent(), missing);
        Path screenshots = Files.createDirectories(Path.of("target", "screenshots"));
        Path page = folder.resolve("study.html");
        Files.write(page, new StudyPage(Studies.study("a-model-with-a-rather-long-name", Studies.TASK)).toBytes());
        try (var browser = new Chromium(program.get(), Files.createDirectory(folder.resolve("profile")))) {
            for (boolean dark : new boolean[] {false, true}) {
                browser.preferDark(dark);
                for (int width : new int[] {PHONE, 800, 1280}) {
                    assertThat(browser.show(page, width, width == PHONE)).isEmpty();
                    assertThat(number(browser, "document.documentElement.scrollWidth"))
                            .isLessThanOrEqualTo(width);
                    assertThat(browser.evaluate("getComputedStyle(document.body).backgroundColor")
                                    .asText())
                            .isEqualTo(dark ? "rgb(22, 24, 28)" : "rgb(255, 255, 255)");
                    assertThat(number(
                                    browser,
                                    "Math.max(...[...document.querySelectorAll('svg')]"
                                            + ".map(svg => svg.getBoundingClientRect().right))"))
                            .isLessThanOrEqualTo(width);
                    browser.screenshot(screenshots.resolve("study-" + width + (dark ? "-dark" : "") + ".png"));
                }
            }
            textStaysInsideAndApart(browser);
        }
    }

    /** Names and numbers of a chart neither leave it nor run into each other; the text is large enough to read. */
    private static void textStaysInsideAndApart(Chromium browser) throws IOException {
        assertThat(number(
                        browser,
                        "[...document.querySelectorAll('svg[role=img]')].filter(svg => {"
                                + " const box = svg.getBoundingClientRect();"
                                + " return [...svg.querySelectorAll('text')].some(text => {"
                                + " const t = text.getBoundingClientRect();"
                                + " return t.left < box.left - 1 || t.right > box.right + 1; }); }).length"))
                .isZero();
        assertThat(number(
                        browser,
                        "[...document.querySelectorAll('svg g')].filter(row => {"
                                + " const [name, value] = [...row.querySelectorAll('text')].map(t => t.getBoundingClientRect());"
                                + " return name.right > value.left; }).length"))
                .isZero();
        assertThat(number(
                        browser,
                        "Math.min(...[...document.querySelectorAll('svg text')]"
                                + ".map(text => parseFloat(getComputedStyle(text).fontSize)))"))
                .isGreaterThanOrEqualTo(11);
    }

    private static int number(Chromium browser, String expression) throws IOException {
        return browser.evaluate(expression).asInt();
    }
}
