package dev.uncurl.jobs.tokenize;

import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;

/** A page about a corpus, made from its newest row of corpus.runs. */
final class DatasetCard {
    private static final int SOURCES_SHOWN = 50;

    private DatasetCard() {}

    /** Writes the card of each corpus. */
    static void write(Warehouse warehouse, List<String> corpora) {
        var runs = new TreeMap<String, Row>();
        warehouse
                .table(UncurlTable.RUNS)
                .orderBy("finished_at")
                .collectAsList()
                .forEach(row -> runs.put(row.getAs("corpus"), row));
        FileSystem files = warehouse.files();
        for (String corpus : corpora) {
            Path path = warehouse.card(corpus);
            try (var out = files.create(path, true)) {
                out.write(text(runs.get(corpus)).getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException("writing " + path, e);
            }
        }
    }

    static String text(Row run) {
        var card = new StringBuilder();
        String corpus = run.getAs("corpus");
        Map<String, String> inputs = map(run, "inputs");
        card.append("# ").append(corpus).append("\n\n");
        line(card, "Licence", run.getAs("licence"));
        line(card, "Format", inputs.get("format"));
        line(card, "Finished", run.getAs("finished_at") + " UTC");
        line(card, "Run", run.getAs("run_id"));
        line(card, "Tokenizer", run.getAs("tokenizer") + ", " + number(run, "vocabulary") + " ids");
        card.append("\n    ").append(run.<String>getAs("command")).append("\n");

        card.append("\n## Counts\n\n| what | count |\n|---|---:|\n");
        row(card, "documents or rows read", number(run, "documents_in"));
        row(card, "kept", number(run, "documents_kept"));
        row(card, "filtered", number(run, "documents_filtered"));
        row(card, "rejected", number(run, "documents_rejected"));
        row(card, "damaged files", run.getAs("files_damaged") == null ? "not counted" : number(run, "files_damaged"));
        row(card, "tokens", number(run, "tokens"));
        row(card, "padding", number(run, "padding"));
        row(card, "sequences or examples", number(run, "rows"));
        row(card, "tokens of a packed sequence", number(run, "sequence_length"));
        row(card, "documents in both splits", number(run, "documents_in_both_splits"));
        row(card, "bytes of text", number(run, "text_bytes"));
        row(card, "bytes on disk", number(run, "bytes"));

        counts(card, "Filtered, by reason", map(run, "filtered"));
        counts(card, "Rejected, by reason", map(run, "rejected"));
        counts(card, "Tokens left out after tokenising, by reason", map(run, "tokens_dropped"));
        counts(card, "Languages", map(run, "languages"));
        lengths(card, run.getList(run.fieldIndex("lengths")));

        List<String> sources = run.getList(run.fieldIndex("sources"));
        card.append("\n## Sources\n\n");
        sources.stream()
                .limit(SOURCES_SHOWN)
                .forEach(source -> card.append("- ").append(source).append('\n'));
        if (sources.size() > SOURCES_SHOWN) {
            card.append("- and ").append(sources.size() - SOURCES_SHOWN).append(" more, in corpus.runs\n");
        }
        card.append("\n## Settings\n\n| setting | value |\n|---|---|\n");
        new TreeMap<>(inputs).forEach((key, value) -> row(card, key, value));
        return card.toString();
    }

    private static <V> Map<String, V> map(Row run, String column) {
        return run.getJavaMap(run.fieldIndex(column));
    }

    private static String number(Row run, String column) {
        return String.format(Locale.ROOT, "%,d", run.<Number>getAs(column).longValue());
    }

    private static void line(StringBuilder card, String name, String value) {
        card.append("- ").append(name).append(": ").append(value).append('\n');
    }

    private static void row(StringBuilder card, String name, String value) {
        card.append("| ")
                .append(name.replace("|", "\\|"))
                .append(" | ")
                .append(value.replace("|", "\\|"))
                .append(" |\n");
    }

    private static void counts(StringBuilder card, String title, Map<String, Long> counts) {
        if (!counts.isEmpty()) {
            card.append("\n## ").append(title).append("\n\n| | count |\n|---|---:|\n");
            new TreeMap<>(counts).forEach((name, count) -> row(card, name, String.format(Locale.ROOT, "%,d", count)));
        }
    }

    private static void lengths(StringBuilder card, List<Long> lengths) {
        card.append("\n## Lengths of kept documents\n\n| tokens | documents |\n|---|---:|\n");
        for (int i = 0; i < lengths.size(); i++) {
            if (lengths.get(i) > 0) {
                String range = String.format(Locale.ROOT, "%,d to %,d", 1L << i, (1L << i + 1) - 1);
                row(card, range, String.format(Locale.ROOT, "%,d", lengths.get(i)));
            }
        }
    }
}
