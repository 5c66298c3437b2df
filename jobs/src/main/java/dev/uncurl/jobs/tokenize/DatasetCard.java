package dev.uncurl.jobs.tokenize;

import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.jobs.warehouse.row.RunRow;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A Markdown page that describes a corpus, made from its newest row of corpus.runs. */
final class DatasetCard {
    private static final int SOURCES_SHOWN = 50;

    private DatasetCard() {}

    /** Writes the card of each corpus. */
    static void write(Warehouse warehouse, List<String> corpora) {
        var runs = new TreeMap<String, RunRow>();
        Records.read(warehouse.table(UncurlTable.RUNS).orderBy("finished_at"), RunRow.class)
                .forEach(run -> runs.put(run.corpus(), run));
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

    static String text(RunRow run) {
        var card = new StringBuilder();
        Map<String, String> inputs = run.inputs();
        card.append("# ").append(run.corpus()).append("\n\n");
        line(card, "Licence", run.licence());
        line(card, "Format", inputs.get("format"));
        line(
                card,
                "Finished",
                LocalDateTime.ofInstant(run.finishedAt(), ZoneOffset.UTC)
                                .toString()
                                .replace('T', ' ') + " UTC");
        line(card, "Run", run.runId());
        line(card, "Tokenizer", run.tokenizer() + ", " + number(run.vocabulary()) + " ids");
        card.append("\n    ").append(run.command()).append("\n");

        card.append("\n## Counts\n\n| what | count |\n|---|---:|\n");
        row(card, "documents or rows read", number(run.documentsIn()));
        row(card, "kept", number(run.documentsKept()));
        row(card, "filtered", number(run.documentsFiltered()));
        row(card, "rejected", number(run.documentsRejected()));
        row(card, "damaged files", count(run.filesDamaged()));
        row(card, "tokens", number(run.tokens()));
        row(card, "padding", number(run.padding()));
        row(card, "sequences or examples", number(run.rows()));
        row(card, "tokens of a packed sequence", number(run.sequenceLength()));
        row(card, "documents in both splits", count(run.documentsInBothSplits()));
        row(card, "bytes of text", number(run.textBytes()));
        row(card, "bytes on disk", number(run.bytes()));

        counts(card, "Filtered, by reason", run.filtered());
        counts(card, "Rejected, by reason", run.rejected());
        counts(card, "Tokens left out after tokenising, by reason", run.tokensDropped());
        counts(card, "Languages", run.languages());
        lengths(card, run.lengths());

        List<String> sources = run.sources();
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

    private static String number(long count) {
        return String.format(Locale.ROOT, "%,d", count);
    }

    private static String count(Optional<Long> count) {
        return count.map(DatasetCard::number).orElse("not counted");
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
            new TreeMap<>(counts).forEach((name, count) -> row(card, name, number(count)));
        }
    }

    private static void lengths(StringBuilder card, long[] lengths) {
        card.append("\n## Lengths of kept documents\n\n| tokens | documents |\n|---|---:|\n");
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] > 0) {
                String range = String.format(Locale.ROOT, "%,d to %,d", 1L << i, (1L << i + 1) - 1);
                row(card, range, number(lengths[i]));
            }
        }
    }
}
