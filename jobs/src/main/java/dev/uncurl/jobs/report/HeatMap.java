package dev.uncurl.jobs.report;

import dev.uncurl.jobs.output.Digits;
import java.util.List;
import java.util.Set;

/**
 * A table of numbers whose cells are shaded in {@value #STEPS} steps of a scale. Every cell has its number as text, so no
 * information is in the shade alone.
 *
 * @param highest upper end of the scale, above 0; the lower end is 0
 * @param decimals digits after the decimal point
 */
record HeatMap(double highest, int decimals) {
    static final int STEPS = 10;

    /** One cell with its number and the text of its tooltip. */
    void cell(Markup page, double value, String tooltip) {
        page.element("td", format(value), "class", "v" + step(value), "title", tooltip);
    }

    /** The shade of a value, 0 to STEPS - 1. */
    int step(double value) {
        return Math.max(0, Math.min(STEPS - 1, (int) (value / highest * STEPS)));
    }

    String format(double value) {
        return Digits.fixed(value, decimals);
    }

    /** All shades in order, between the numbers of both ends. */
    void legend(Markup page, String what) {
        page.open("p", "class", "legend").text(what + " from " + format(0) + " ");
        page.open("span", "class", "steps", "aria-hidden", "true");
        for (int step = 0; step < STEPS; step++) {
            page.element("span", "", "class", "v" + step);
        }
        page.close().text(" to " + format(highest) + "; darker is more.").close();
    }

    /** Opens a table in a region that scrolls if it is wider than the screen. */
    static void open(Markup page, String caption, String corner, List<String> columns, boolean small) {
        open(page, caption, corner, columns, small, Set.of());
    }

    /** @param words columns of words, which begin at the left */
    static void open(
            Markup page, String caption, String corner, List<String> columns, boolean small, Set<String> words) {
        page.open(
                "div",
                "class",
                small ? "scroll small" : "scroll",
                "role",
                "region",
                "tabindex",
                "0",
                "aria-label",
                caption);
        page.open("table").element("caption", caption);
        page.open("thead").open("tr").element("th", corner, "scope", "col");
        for (String column : columns) {
            if (words.contains(column)) {
                page.element("th", column, "scope", "col", "class", "word");
            } else {
                page.element("th", column, "scope", "col");
            }
        }
        page.close().close().open("tbody");
    }

    static void close(Markup page) {
        page.close().close().close();
    }
}
