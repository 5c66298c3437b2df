package dev.uncurl.jobs.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A page in one file: its style is in it, it has no script, and its security policy forbids it to load anything. */
final class HtmlPage {
    private HtmlPage() {}

    /** @param content writes what is in the body */
    static byte[] of(String title, Consumer<Markup> content) {
        var page = new Markup();
        page.open("html", "lang", "en").open("head");
        page.empty("meta", "charset", "utf-8");
        page.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
        page.empty("meta", "name", "color-scheme", "content", "light dark");
        page.empty(
                "meta",
                "http-equiv",
                "Content-Security-Policy",
                "content",
                "default-src 'none'; style-src 'unsafe-inline'");
        page.element("title", title).element("style", style()).close();
        page.open("body").open("main");
        content.accept(page);
        return page.close().close().close().toBytes();
    }

    private static String style() {
        try (InputStream in = HtmlPage.class.getResourceAsStream("/report/page.css")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("reading the style sheet of the pages", e);
        }
    }
}
