package dev.uncurl.jobs.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class SqlFailureTest {
    @Test
    void aStatementIsAtFaultForWhatSparkSaysOfItAndNotForFiles() {
        assertThat(SqlFailure.refusal(new RuntimeException(new IllegalArgumentException("raised by the user"))))
                .hasMessageContaining("raised by the user");
        assertThat(SqlFailure.refusal(new RuntimeException(new IOException("damaged"))))
                .isNull();
        assertThat(SqlFailure.refusal(new NullPointerException())).isNull();
    }
}
