package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.uncurl.error.UserError;
import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.warehouse.row.AssignmentRow;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.apache.iceberg.spark.actions.SparkActions;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that replaces rows, and maintenance or another run that commits between its reading and its commit. */
@Tag("slow")
class RewriteBesideCommitTest {
    private static final Object[] KEY = {"model_id", "m", "task", "t", "plan_id", "p"};
    private static CountDownLatch begun;
    private static CountDownLatch open;

    private Warehouse warehouse;

    @BeforeEach
    void fill(@TempDir Path folder) {
        begun = new CountDownLatch(1);
        open = new CountDownLatch(1);
        warehouse = new Cli(folder).open();
        for (int expert = 0; expert < 4; expert++) {
            Records.append(warehouse, UncurlTable.ASSIGNMENTS, List.of(row(expert)));
        }
    }

    private static AssignmentRow row(int expert) {
        return new AssignmentRow("p", "m", "sha", "t", "uncurl", 4, 2, 1, 0, expert, 0, 0.5, false);
    }

    /** A row that is there only when the gate is open; the executor is a thread of this process. */
    private static final class Gate implements Function<Row, Row>, Serializable {
        private static final long serialVersionUID = 1L;

        @Override
        public Row call(Row row) throws InterruptedException {
            begun.countDown();
            open.await();
            return row;
        }
    }

    /** Begins to replace the rows by one of expert 9, and stands still while it computes it. */
    private CompletableFuture<Void> replacement() throws InterruptedException {
        Dataset<Row> frame = Records.frame(warehouse, UncurlTable.ASSIGNMENTS, List.of(row(9)));
        Dataset<Row> gated = warehouse.spark().createDataFrame(frame.javaRDD().map(new Gate()), frame.schema());
        SparkSession session = warehouse.spark();
        var replacement = CompletableFuture.runAsync(() -> {
            SparkSession.setActiveSession(session);
            warehouse.replace(UncurlTable.ASSIGNMENTS, gated, KEY);
        });
        begun.await();
        return replacement;
    }

    private List<Integer> experts() {
        return warehouse.rows(UncurlTable.ASSIGNMENTS, KEY).select("expert").collectAsList().stream()
                .map(row -> row.getInt(0))
                .sorted()
                .toList();
    }

    @Test
    void filesThatAreJoinedMeanwhileDoNotHinderIt() throws InterruptedException, ExecutionException {
        CompletableFuture<Void> replacement = replacement();
        var joined = SparkActions.get(warehouse.spark())
                .rewriteDataFiles(warehouse.iceberg(UncurlTable.ASSIGNMENTS))
                .option("rewrite-all", "true")
                .execute();
        assertThat(joined.rewrittenDataFilesCount()).isEqualTo(4);
        assertThat(experts()).containsExactly(0, 1, 2, 3);
        open.countDown();
        replacement.get();
        assertThat(experts()).containsExactly(9);
    }

    @Test
    void rowsThatAreChangedMeanwhileDo() throws InterruptedException {
        CompletableFuture<Void> replacement = replacement();
        Records.append(warehouse, UncurlTable.ASSIGNMENTS, List.of(row(5)));
        open.countDown();
        assertThatThrownBy(replacement::get).cause().isInstanceOfSatisfying(UserError.class, error -> assertThat(
                        error.kind())
                .isEqualTo(UserError.Kind.CONFLICT));
        assertThat(experts()).containsExactly(0, 1, 2, 3, 5);
    }
}
