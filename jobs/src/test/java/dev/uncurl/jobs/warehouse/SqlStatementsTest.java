package dev.uncurl.jobs.warehouse;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SqlStatementsTest {
    @Test
    void semicolonsPartStatements() {
        assertThat(SqlStatements.split("SELECT 1; SELECT 2 ;; ")).containsExactly("SELECT 1", "SELECT 2");
    }

    @Test
    void semicolonsInTextAndNamesDoNot() {
        for (String statement : new String[] {
            "SELECT ';'",
            "SELECT 'it\\';s'",
            "SELECT \";\"",
            "SELECT r'\\'",
            "SELECT R';'",
            "SELECT `a;b` FROM t",
            "SELECT '😀;' AS `語;`"
        }) {
            assertThat(SqlStatements.split(statement + "; SELECT 2"))
                    .as(statement)
                    .containsExactly(statement, "SELECT 2");
        }
    }

    @Test
    void semicolonsInCommentsDoNot() {
        assertThat(SqlStatements.split("-- a; b\nSELECT 1 /* c; /* d; */ e; */ + 1; -- f; g"))
                .containsExactly("-- a; b\nSELECT 1 /* c; /* d; */ e; */ + 1");
    }

    @Test
    void whatIsOnlyACommentIsNoStatement() {
        assertThat(SqlStatements.split("-- nothing\n/* at /* all */ ; */;\n \t;"))
                .isEmpty();
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstStatement() {
        assertThat(SqlStatements.split("\uFEFFSELECT 1;")).containsExactly("SELECT 1");
    }

    @Test
    void anOpenQuoteReachesTheParser() {
        assertThat(SqlStatements.split("SELECT 'a; b")).isNotEmpty();
    }
}
