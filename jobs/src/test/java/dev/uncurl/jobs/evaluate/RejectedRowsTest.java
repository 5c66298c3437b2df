package dev.uncurl.jobs.evaluate;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.corpus;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.data;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("slow")
class RejectedRowsTest {
    @TempDir
    private Path folder;

    @Test
    void whatAScoreLeavesOutIsKnownBySplit() throws IOException {
        Path rows = Path.of(data("superglue/WSC/val.jsonl"));
        long good = Files.readAllLines(rows).size();
        Path more = Files.writeString(
                folder.resolve("val.jsonl"),
                Files.readString(rows)
                        + "{\"text\":\"Ann saw them go.\",\"label\":true,\"target\":{\"span1_text\":\"Ann\","
                        + "\"span2_text\":\"them\",\"span2_index\":1}}\n");
        Warehouse warehouse = warehouse(folder.resolve("w"));
        String task = corpus("superglue/wsc", "superglue/wsc", data("superglue/WSC/train.jsonl"))
                .replace("validation-paths = []", "validation-paths = [\"" + more + "\"]");
        tokenize(warehouse, folder, task + corpus("json", "mc4", data("damaged/bad-rows.json")));
        assertThat(RejectedRows.of(warehouse, "superglue/wsc", "validation")).isEqualTo(1);
        assertThat(RejectedRows.of(warehouse, "superglue/wsc", "train")).isZero();
        assertThat(RejectedRows.line(warehouse, "superglue/wsc", "validation", Optional.of(1L)))
                .startsWith("  " + good + " of " + (good + 1) + " rows: tokenize rejected 1");
        assertThat(RejectedRows.line(warehouse, "superglue/wsc", "train", Optional.of(0L)))
                .isEmpty();
        assertThat(RejectedRows.of(warehouse, "json", "validation"))
                .as("splits by content")
                .isNull();
    }
}
