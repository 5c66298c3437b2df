package dev.uncurl.corpus.format;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.row.JsonRow;
import dev.uncurl.corpus.row.RowRejectedException;
import dev.uncurl.corpus.task.ExampleTemplate;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A row of FLAN's chain-of-thought files: question, answer and rationale, separated by tabs, with line ends written as
 * {@code \n}. The name of the task comes from the file: {@code aqua_train.tsv} gives cot_aqua.
 */
final class CotRow {
    private static final Pattern FILE = Pattern.compile("([^/]*?)(?:_train)?(?:\\.tsv)?(?:\\.gz|\\.xz|\\.zst)?");

    static final Set<String> FIELDS = Set.of("question", "answer", "rationale");

    private CotRow() {}

    static Iterator<Example> parse(ExampleTemplate template, String row, String source, long offset, long line)
            throws RowRejectedException {
        String[] columns = row.split("\t", -1);
        if (columns.length != 3) {
            throw new RowRejectedException("not three columns", columns.length < 3);
        }
        var values = Map.of(
                "question", column(columns[0], "question"),
                "answer", column(columns[1], "answer"),
                "rationale", column(columns[2], "rationale"));
        return List.of(template.example(source, offset, line, task(source), values))
                .iterator();
    }

    private static String column(String text, String name) throws RowRejectedException {
        return JsonRow.notEmpty(text.replace("\\n", "\n"), name);
    }

    static String task(String source) {
        var name = FILE.matcher(source.substring(source.lastIndexOf('/') + 1));
        return "cot_" + (name.matches() ? name.group(1) : source);
    }
}
