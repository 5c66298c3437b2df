package dev.uncurl.jobs;

import java.util.ArrayList;
import java.util.List;

/** SQL text cut into its statements, which end with a semicolon outside of quotes and comments. */
final class SqlStatements {
    private SqlStatements() {}

    /** Without the semicolons; what is blank or only a comment is no statement. */
    static List<String> split(String text) {
        var statements = new ArrayList<String>();
        int from = 0;
        boolean blank = true;
        for (int at = 0; at < text.length(); ) {
            int end = skip(text, at);
            boolean comment = text.startsWith("--", at) || text.startsWith("/*", at);
            if (text.charAt(at) == ';') {
                add(statements, text.substring(from, at), blank);
                from = end;
                blank = true;
            } else {
                blank &= comment || Character.isWhitespace(text.charAt(at));
            }
            at = end;
        }
        add(statements, text.substring(from), blank);
        return statements;
    }

    private static void add(List<String> statements, String statement, boolean blank) {
        if (!blank) {
            statements.add(statement.strip());
        }
    }

    /** The end of the quoted text, comment or single character that begins at {@code at}. */
    private static int skip(String text, int at) {
        if (text.startsWith("--", at)) {
            return end(text, text.indexOf('\n', at), 1);
        }
        if (text.startsWith("/*", at)) {
            return end(text, text.indexOf("*/", at + 2), 2);
        }
        char quote = text.charAt(at);
        if (quote != '\'' && quote != '"' && quote != '`') {
            return at + 1;
        }
        int next = at + 1;
        while (next < text.length() && text.charAt(next) != quote) {
            next += quote != '`' && text.charAt(next) == '\\' ? 2 : 1;
        }
        return Math.min(next + 1, text.length());
    }

    private static int end(String text, int found, int length) {
        return found < 0 ? text.length() : found + length;
    }
}
