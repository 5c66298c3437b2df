package dev.uncurl.jobs.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class SqlFailureTest {
    @Test
    void aStatementIsAtFaultForWhatSparkSaysOfItAndNotForFiles() {
        assertThat(SqlFailure.userError(new RuntimeException(new IllegalArgumentException("raised by the user"))))
                .hasMessageContaining("raised by the user");
        assertThat(SqlFailure.userError(new RuntimeException(new IOException("damaged"))))
                .isNull();
        assertThat(SqlFailure.userError(new NullPointerException())).isNull();
    }
}
