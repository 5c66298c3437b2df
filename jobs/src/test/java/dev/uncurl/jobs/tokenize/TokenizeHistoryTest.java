package dev.uncurl.jobs.tokenize;

import static dev.uncurl.jobs.tokenize.TokenizeFixture.tokenize;
import static dev.uncurl.jobs.tokenize.TokenizeFixture.warehouse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Replacing a corpus deletes no file of an older snapshot, and none that another run may still commit. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Tag("slow")
class TokenizeHistoryTest {
    private WarehouseHistory history;

    @BeforeAll
    void makeHistory(@TempDir Path folder) throws IOException {
        history = new WarehouseHistory(folder);
    }

    @Test
    void whatOlderSnapshotsHaveStaysReadableAndWhatNoSnapshotHasGoes() throws IOException {
        Path copy = history.relocated("history");
        Warehouse warehouse = warehouse(copy);
        List<Long> rows = WarehouseHistory.rowsOfSnapshots(warehouse, UncurlTable.SEQUENCES);
        assertThat(rows).hasSize(3).doesNotContain(0L);
        assertThat(rows.get(0)).isEqualTo(rows.get(2));
        Path data = copy.resolve("tables/corpus/sequences/data/text+train");
        String run =
                TokenizeFixture.run(warehouse, "text").<String>getAs("run_id").substring(0, 12);
        Path left = Files.writeString(data.resolve(run + "-left.parquet"), "of a run that died");
        Path other = Files.writeString(data.resolve("0123456789ab-other.parquet"), "of another run");
        history.replaceWithSecond(warehouse);
        history.replaceWithFirst(warehouse);
        assertThat(left).doesNotExist();
        assertThat(other).exists();
        assertThat(WarehouseHistory.rowsOfSnapshots(warehouse, UncurlTable.SEQUENCES))
                .hasSize(5);
    }

    @Test
    void whatARunLeftThatMayBeAliveStaysAndWhatADeadOneLeftGoesAlsoWhereFilesHaveNoLocks() throws IOException {
        TokenizeFixture.spark()
                .sparkContext()
                .hadoopConfiguration()
                .set("fs.failing.impl", TokenizeResumeTest.FailingFileSystem.class.getName());
        Path place = history.folder().resolve("without-locks");
        SparkSession.setActiveSession(TokenizeFixture.spark().newSession());
        Warehouse warehouse = Warehouse.open("failing://" + place);
        tokenize(warehouse, history.first());
        String run =
                TokenizeFixture.run(warehouse, "text").<String>getAs("run_id").substring(0, 12);
        Path theirs = Files.writeString(
                place.resolve("tables/corpus/sequences/data/text+train/" + run + "-theirs.parquet"), "rows");
        var hadoop = TokenizeFixture.spark().sparkContext().hadoopConfiguration();
        var staged = new Staging(warehouse.stagingFolder("text").toString(), hadoop);
        staged.begin(Map.of("seed", "9"));
        try (var theirLease = warehouse.lock("corpus", "text")) {
            assertThatThrownBy(() -> history.replaceWithSecond(warehouse))
                    .isInstanceOfSatisfying(UserError.class, userError -> assertThat(userError.kind())
                            .isEqualTo(UserError.Kind.CONFLICT))
                    .hasMessageContaining("corpus text");
            assertThat(staged.inputs()).containsEntry("seed", "9");
        }
        history.replaceWithSecond(warehouse);
        assertThat(staged.inputs()).isNull();
        assertThat(theirs).exists(); // its name is not that of a file of this run
        history.replaceWithFirst(warehouse);
        assertThat(theirs).doesNotExist();
        assertThat(WarehouseHistory.rowsOfSnapshots(warehouse, UncurlTable.SEQUENCES))
                .hasSize(3)
                .doesNotContain(0L);
    }
}
