package dev.uncurl.jobs.warehouse;

import java.util.ArrayList;
import java.util.List;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;

/** Splits SQL text into statements at semicolons; quotes and comments are recognised by Spark's own lexer. */
public final class SqlStatements {
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private SqlStatements() {}

    /** The statements without semicolons. Blank text, comments and a byte order mark are ignored. */
    public static List<String> split(String text) {
        String sql = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        int[] places = sql.codePoints().toArray(); // the unit of the lexer's positions
        var lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(sql)));
        lexer.removeErrorListeners(); // the parser reports unknown tokens
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
