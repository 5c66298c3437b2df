package dev.uncurl.jobs.report;

import dev.uncurl.clustering.LeafOrder;
import dev.uncurl.jobs.output.Digits;
import dev.uncurl.routing.LayerRouting;
import dev.uncurl.routing.TaskOverlap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Draws the routing of one task or of two into a page: tables of shaded numbers under headings. */
final class RoutingMaps {
    /** Matrices of at least this many experts have small cells. */
    private static final int MANY_EXPERTS = 17;

    private final Markup page;
    private final String heading;
    private final List<TaskRouting> tasks;

    /**
     * @param heading element of the headings, such as h2
     * @param tasks one, or two with the same layers
     */
    RoutingMaps(Markup page, String heading, List<TaskRouting> tasks) {
        this.page = page;
        this.heading = heading;
        this.tasks = tasks;
    }

    void draw() {
        shares();
        imbalance();
        if (tasks.size() == 2) {
            overlap(tasks.get(0), tasks.get(1));
        }
        distances();
    }

    private int experts() {
        return tasks.get(0).layers().stream()
                .mapToInt(LayerRouting::experts)
                .max()
                .orElseThrow();
    }

    private void shares() {
        page.element(heading, "Share of the tokens by expert");
        page.element(
                "p",
                "Percent of a layer's choices that chose the expert; equal shares would be "
                        + number(100.0 / experts(), 1) + ". The columns are layers.");
        double highest = tasks.stream()
                .flatMap(task -> task.layers().stream())
                .mapToDouble(layer -> layer.maxOverMean() / layer.live())
                .max()
                .orElseThrow();
        var map = new HeatMap(100 * highest, 1);
        map.legend(page, "Percent");
        page.open("div", "class", "beside");
        for (TaskRouting task : tasks) {
            HeatMap.open(page, "Share by expert and layer, percent, " + task.name(), "expert", layers(task), false);
            for (int expert = 0; expert < experts(); expert++) {
                page.open("tr").element("th", Integer.toString(expert), "scope", "row");
                for (LayerRouting layer : task.layers()) {
                    share(map, layer, expert);
                }
                page.close();
            }
            HeatMap.close(page);
        }
        page.close();
    }

    private void share(HeatMap map, LayerRouting layer, int expert) {
        if (expert >= layer.experts()) {
            page.element("td", "none");
            return;
        }
        if (layer.masked().contains(expert)) {
            page.element("td", "masked");
            return;
        }
        String tooltip = String.format(
                Locale.ROOT,
                "expert %d, layer %d: %s of the choices (%,d)%s",
                expert,
                layer.layer(),
                layer.share(expert),
                layer.choices().get(expert),
                layer.zeroed().contains(expert) ? ", which add nothing: it was dropped" : "");
        map.cell(page, 100 * layer.share(expert), tooltip);
    }

    private static List<String> layers(TaskRouting task) {
        return task.layers().stream().map(layer -> "layer " + layer.layer()).toList();
    }

    private void imbalance() {
        page.element(heading, "Imbalance by layer");
        page.element(
                "p",
                "Busiest over mean: choices of the busiest expert over the mean of all; 1 is balance, "
                        + experts() + " is one expert for all. Entropy of the shares over its maximum: 1 is balance,"
                        + " 0 is one expert for all. Dead experts got no token. Masked experts were dropped from the model: the"
                        + " router still has their rows, but never chooses them. Under router rule zero they are still"
                        + " chosen, and add nothing. Neither are counted here.");
        page.open("div", "class", "beside");
        for (TaskRouting task : tasks) {
            HeatMap.open(
                    page,
                    "Imbalance by layer, " + task.name(),
                    "layer",
                    List.of("busiest over mean", "entropy", "dead (expert ids)"),
                    false);
            for (LayerRouting layer : task.layers()) {
                page.open("tr").element("th", "layer " + layer.layer(), "scope", "row");
                bar(layer.maxOverMean(), layer.maxOverMean() / layer.live());
                page.element("td", number(layer.relativeEntropy(), 3));
                page.element("td", layer.deadExperts().isEmpty() ? "none" : ids(layer.deadExperts()));
                page.close();
            }
            HeatMap.close(page);
        }
        page.close();
    }

    /** A cell with its number, and a bar whose length is the fraction {@code part} of the cell. */
    private void bar(double value, double part) {
        page.open("td", "class", "bar", "title", Double.toString(value));
        page.element("span", number(value, 2), "style", "width: " + number(100 * part, 1) + "%")
                .close();
    }

    private void overlap(TaskRouting one, TaskRouting two) {
        page.element(heading, "Overlap of the two tasks by layer");
        int half = (experts() + 1) / 2;
        int quarter = (experts() + 3) / 4;
        page.element(
                "p",
                "Similarity of the use of experts by " + one.name() + " and " + two.name()
                        + ". Jensen-Shannon distance of the shares: 0 is the same use, 1 is no expert in common. Rank"
                        + " correlation (Spearman) of the counts: 1 is the same order. Top " + quarter + " and top "
                        + half
                        + ": how many experts are among the " + quarter + " (" + half
                        + ") most used of both tasks; by chance "
                        + number((double) quarter * quarter / experts(), 1) + " and "
                        + number((double) half * half / experts(), 1) + ".");
        HeatMap.open(
                page,
                "Overlap of " + one.name() + " and " + two.name(),
                "layer",
                List.of("Jensen-Shannon distance", "rank correlation", "top " + quarter, "top " + half),
                false);
        for (int i = 0; i < one.layers().size(); i++) {
            var overlap = new TaskOverlap(one.layers().get(i), two.layers().get(i));
            page.open("tr").element("th", "layer " + overlap.one().layer(), "scope", "row");
            bar(overlap.jensenShannonDistance(), overlap.jensenShannonDistance());
            var correlation = overlap.rankCorrelation();
            page.element("td", correlation.isPresent() ? number(correlation.getAsDouble(), 2) : "none");
            page.element("td", overlap.commonOfTop(quarter) + " of " + quarter);
            page.element("td", overlap.commonOfTop(half) + " of " + half).close();
        }
        HeatMap.close(page);
    }

    private void distances() {
        page.element(heading, "Distances between experts");
        page.element(
                "p",
                "Root mean square difference of the router logits of two experts over the tokens. Experts with a small"
                        + " distance are chosen for the same tokens; UNCURL merges them. Rows and columns are ordered by"
                        + " hierarchical clustering with average linkage, which places similar experts next to each"
                        + " other: light blocks on the diagonal are groups. Each layer has its own order.");
        for (TaskRouting task : tasks) {
            double highest = 0;
            for (LayerRouting layer : task.layers()) {
                for (double[] row : layer.distances()) {
                    for (double distance : row) {
                        highest = Math.max(highest, distance);
                    }
                }
            }
            var map = new HeatMap(highest > 0 ? highest : 1, 2);
            map.legend(page, "Distance on " + task.name());
            page.open("div", "class", "beside");
            task.layers().forEach(layer -> matrix(map, task, layer));
            page.close();
        }
    }

    private void matrix(HeatMap map, TaskRouting task, LayerRouting layer) {
        double[][] distances = layer.distances();
        List<Integer> order = LeafOrder.of(distances);
        page.open("section");
        List<String> columns = order.stream().map(String::valueOf).toList();
        HeatMap.open(
                page,
                "Distances, layer " + layer.layer() + ", " + task.name(),
                "expert",
                columns,
                layer.experts() >= MANY_EXPERTS);
        for (int row : order) {
            page.open("tr").element("th", Integer.toString(row), "scope", "row");
            for (int column : order) {
                if (row == column) {
                    page.element("td", "0", "class", "same");
                } else {
                    map.cell(
                            page,
                            distances[row][column],
                            "experts " + row + " and " + column + ": " + number(distances[row][column], 4));
                }
            }
            page.close();
        }
        HeatMap.close(page);
        page.element("p", ends(order, distances)).close();
    }

    /** The nearest and the farthest pair in words. */
    private static String ends(List<Integer> order, double[][] distances) {
        var pairs = new ArrayList<int[]>();
        for (int i : order) {
            for (int j : order) {
                if (i < j) {
                    pairs.add(new int[] {i, j});
                }
            }
        }
        if (pairs.isEmpty()) {
            return "There is one expert.";
        }
        pairs.sort(Comparator.comparingDouble(pair -> distances[pair[0]][pair[1]]));
        return "Nearest: " + pair(pairs.get(0), distances) + ". Farthest: "
                + pair(pairs.get(pairs.size() - 1), distances) + ".";
    }

    private static String pair(int[] pair, double[][] distances) {
        return pair[0] + " and " + pair[1] + " (" + number(distances[pair[0]][pair[1]], 2) + ")";
    }

    private static String ids(List<Integer> experts) {
        return experts.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }

    private static String number(double value, int decimals) {
        return Digits.fixed(value, decimals);
    }
}
