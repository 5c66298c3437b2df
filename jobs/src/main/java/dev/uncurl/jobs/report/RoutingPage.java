package dev.uncurl.jobs.report;

import java.util.List;

/** The routing of one task or of two by a model as one HTML page. */
record RoutingPage(String modelId, String split, List<TaskRouting> tasks) {
    byte[] toBytes() {
        String title = "Routing of " + modelId;
        return HtmlPage.of(title, page -> {
            page.element("h1", title);
            tasks.forEach(task -> page.element("p", task.summary(split)));
            new RoutingMaps(page, "h2", tasks).draw();
        });
    }
}
