package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.warehouse.SessionViews.View;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SessionViewsTest {
    @Test
    void everyFileIsAView() throws IOException {
        try (var files = Files.list(Path.of("../schemas/views"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Arrays.stream(View.values())
                            .map(view -> view.id() + ".sql")
                            .toList());
        }
    }

    @Test
    void statementsOverTablesNeedNoView() {
        assertThat(SessionViews.usedBy("SELECT model_id FROM models.registry")).isEmpty();
        assertThat(SessionViews.usedBy("SELECT 1 AS my_load_imbalance, 2 AS load_imbalance_2"))
                .isEmpty();
    }

    @Test
    void viewsComeAfterThoseThatTheyUse() {
        assertThat(SessionViews.usedBy("select * from Load_Imbalance"))
                .containsExactly(View.DROPPED_EXPERTS, View.LOAD_IMBALANCE);
        assertThat(SessionViews.usedBy("SELECT * FROM smallest_not_worse"))
                .containsExactly(View.CELL_SETTINGS, View.SMALLEST_NOT_WORSE);
        assertThat(SessionViews.usedBy("SELECT * FROM `sweep_states` JOIN model_results"))
                .containsExactly(View.MODEL_RESULTS, View.SWEEP_STATES);
    }

    @Test
    void listsHaveAllOfThem() {
        assertThat(SessionViews.usedBy("  show views")).containsExactly(View.values());
        assertThat(SessionViews.usedBy("SHOW TABLES IN routing")).containsExactly(View.values());
    }
}
