package dev.uncurl.jobs.warehouse;

import java.util.ArrayList;
import java.util.List;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;

/** SQL text cut into its statements, each closed by a semicolon, as Spark's own lexer sees quotes and comments. */
public final class SqlStatements {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private SqlStatements() {}

    /** Without the semicolons; what is blank or only a comment is no statement. A byte order mark is left out. */
    public static List<String> split(String text) {
        String sql = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        int[] places = sql.codePoints().toArray(); // which the lexer counts in
        var lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(sql)));
        lexer.removeErrorListeners(); // what it does not know is for the parser to refuse
        var statements = new ArrayList<String>();
        int from = 0;
        boolean blank = true;
        for (Token token : lexer.getAllTokens()) {
            if (token.getType() == SqlBaseLexer.SEMICOLON) {
                add(statements, places, from, token.getStartIndex(), blank);
                from = token.getStopIndex() + 1;
                blank = true;
            } else {
                blank &= token.getChannel() != Token.DEFAULT_CHANNEL;
            }
        }
        add(statements, places, from, places.length, blank);
        return statements;
    }

    private static void add(List<String> statements, int[] places, int from, int to, boolean blank) {
        if (!blank) {
            statements.add(new String(places, from, to - from).strip());
        }
    }
}
