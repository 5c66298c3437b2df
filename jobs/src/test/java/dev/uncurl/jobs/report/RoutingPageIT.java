package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Opens reports in Debian's Chromium (apt-get install chromium). Without it these tests are aborted with that reason, or
 * fail where the environment has CI_CHROMIUM=required, as .ci/run sets it. The screenshots are left in
 * target/screenshots.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutingPageIT {
    private static final List<String> TASKS = List.of("superglue/boolq", "superglue/rte");
    private static final int PHONE = 390;
    private static final int DESKTOP = 1280;

    private Path program;

    @BeforeAll
    void findChromium() {
        var found = Chromium.program();
        String missing = "no chromium on the PATH: apt-get install chromium";
        assertThat(found.isPresent() || !"required".equals(System.getenv("CI_CHROMIUM")))
                .as(missing)
                .isTrue();
        Assumptions.assumeTrue(found.isPresent(), missing);
        program = found.orElseThrow();
    }

    @Test
    void reportsOfAnySizeOpenWithoutComplaintAndNeverScrollSideways(@TempDir Path folder) throws IOException {
        Path screenshots = Files.createDirectories(Path.of("target", "screenshots"));
        try (var browser = new Chromium(program, Files.createDirectory(folder.resolve("profile")))) {
            for (int experts : new int[] {8, 64}) {
                Path page = folder.resolve("routing-" + experts + ".html");
                Files.write(
                        page,
                        RoutingPages.page("a-model-with-a-rather-long-name", experts, 3, TASKS)
                                .toBytes());
                for (int width : new int[] {PHONE, DESKTOP}) {
                    assertThat(browser.show(page, width, width == PHONE)).isEmpty();
                    assertThat(browser.evaluate("innerWidth").asInt()).isEqualTo(width);
                    assertThat(browser.evaluate("document.documentElement.scrollWidth")
                                    .asInt())
                            .isLessThanOrEqualTo(width);
                    assertThat(browser.evaluate("document.querySelectorAll('table').length")
                                    .asInt())
                            .isEqualTo(2 + 2 + 1 + 6);
                    browser.screenshot(screenshots.resolve("routing-" + experts + "-" + width + ".png"));
                }
            }
        }
    }

    @Test
    void textOfCellsIsAsLargeAsItCanBeReadAndStandsOutInTheBrowserToo(@TempDir Path folder) throws IOException {
        try (var browser = new Chromium(program, Files.createDirectory(folder.resolve("profile")))) {
            Path page = folder.resolve("routing.html");
            Files.write(page, RoutingPages.page("base", 8, 3, TASKS).toBytes());
            assertThat(browser.show(page, PHONE, true)).isEmpty();
            double size = browser.evaluate("Math.min(...[...document.querySelectorAll('td')]"
                            + ".map(cell => parseFloat(getComputedStyle(cell).fontSize)))")
                    .asDouble();
            assertThat(size).isGreaterThanOrEqualTo(12);
            assertThat(browser.evaluate("getComputedStyle(document.querySelector('td.v9')).backgroundColor")
                            .asText())
                    .isEqualTo("rgb(0, 34, 78)");
        }
    }

    /** The other test would pass with a browser that reports nothing. */
    @Test
    void theBrowserDoesReportWhatGoesWrong(@TempDir Path folder) throws IOException {
        try (var browser = new Chromium(program, Files.createDirectory(folder.resolve("profile")))) {
            Path page = folder.resolve("bad.html");
            Files.writeString(
                    page,
                    "<!DOCTYPE html><body style='width: 2000px'><img src='missing.png'><script>console.error('x')</script>");
            assertThat(browser.show(page, DESKTOP, false))
                    .anyMatch(line -> line.contains("missing.png"))
                    .anyMatch(line -> line.contains("consoleAPICalled"));
            assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt())
                    .isGreaterThan(DESKTOP);
        }
    }
}
