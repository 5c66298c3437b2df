package dev.uncurl.jobs.tokenize;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Sums over the units of a corpus, and the invariants that they must satisfy. */
record CorpusTotals(
        long documents,
        long kept,
        Map<String, Long> filtered,
        Map<String, Long> rejected,
        long tokens,
        Map<String, Long> dropped,
        long padding,
        long textBytes,
        long[] lengths,
        Map<String, Long> languages,
        long damagedFiles,
        Map<String, Long> rejectedBySplit) {
    /**
     * @param units the units, indexed by their numbers
     * @param reports of these units, and possibly of a unit of tails, which rejects nothing
     */
    static CorpusTotals of(List<TokenUnit> units, Collection<UnitReport> reports) {
        long documents = 0;
        long kept = 0;
        long tokens = 0;
        long padding = 0;
        long textBytes = 0;
        long damagedFiles = 0;
        long[] lengths = new long[UnitReport.LENGTHS];
        var filtered = new TreeMap<String, Long>();
        var rejected = new TreeMap<String, Long>();
        var dropped = new TreeMap<String, Long>();
        var rejectedBySplit = new TreeMap<String, Long>();
        units.stream().filter(unit -> unit.split() != null).forEach(unit -> rejectedBySplit.put(unit.split(), 0L));
        var languages = new TreeMap<String, Long>();
        for (UnitReport report : reports) {
            documents += report.documents();
            kept += report.kept();
            tokens += report.tokens();
            padding += report.padding();
            textBytes += report.textBytes();
            damagedFiles += report.damage() == null ? 0 : 1; // the damaged end of a file is in one unit
            for (int i = 0; i < lengths.length; i++) {
                lengths[i] += report.lengths()[i];
            }
            report.filtered().forEach((reason, count) -> filtered.merge(reason, count, Long::sum));
            report.rejected().forEach((reason, count) -> rejected.merge(reason, count, Long::sum));
            if (report.rejectedTotal() > 0 && units.get(report.unit()).split() != null) {
                rejectedBySplit.merge(units.get(report.unit()).split(), report.rejectedTotal(), Long::sum);
            }
            report.dropped().forEach((reason, count) -> dropped.merge(reason, count, Long::sum));
            report.languages().forEach((language, count) -> languages.merge(language, count, Long::sum));
        }
        return new CorpusTotals(
                documents,
                kept,
                filtered,
                rejected,
                tokens,
                dropped,
                padding,
                textBytes,
                lengths,
                languages,
                damagedFiles,
                rejectedBySplit);
    }

    long filteredTotal() {
        return UnitReport.total(filtered);
    }

    long rejectedTotal() {
        return UnitReport.total(rejected);
    }

    long droppedTotal() {
        return UnitReport.total(dropped);
    }

    /** Returns the totals after some of the kept examples were left out. */
    CorpusTotals without(String reason, long examples, long tokens) {
        var moreFiltered = new TreeMap<>(filtered);
        var moreDropped = new TreeMap<>(dropped);
        if (examples > 0) {
            moreFiltered.merge(reason, examples, Long::sum);
            moreDropped.merge(reason, tokens, Long::sum);
        }
        return new CorpusTotals(
                documents,
                kept - examples,
                moreFiltered,
                rejected,
                this.tokens,
                moreDropped,
                padding,
                textBytes,
                lengths,
                languages,
                damagedFiles,
                rejectedBySplit);
    }

    /**
     * Compares what was read with what was written, which are counted independently: documents in = kept + filtered +
     * rejected, tokens in = written + dropped.
     *
     * @param written the data files
     * @param sequenceLength of packed sequences
     * @throws IllegalStateException if an invariant is violated
     */
    void check(String corpus, List<CorpusOutput.Written> written, int sequenceLength) {
        long rejections = 0;
        long examples = 0;
        long positions = 0;
        long rowsTokens = 0;
        boolean anyExample = false;
        for (CorpusOutput.Written file : written) {
            long records = file.file().recordCount();
            rowsTokens += file.tokens();
            switch (file.key().kind()) {
                case SEQUENCE -> positions += records * sequenceLength - file.tokens();
                case EXAMPLE -> {
                    examples += records;
                    anyExample = true;
                }
                case REJECTION -> rejections += records;
                case DOCUMENT -> {}
            }
            require(corpus, "rows of " + file.file().location(), file.rows(), records);
        }
        require(
                corpus,
                "documents in = kept + filtered + rejected",
                documents,
                kept + filteredTotal() + rejectedTotal());
        require(
                corpus,
                "rejected + damaged files = rows of corpus.rejections",
                rejectedTotal() + damagedFiles,
                rejections);
        require(corpus, "padding = positions without a token", padding, positions);
        require(corpus, "tokens in = written + dropped", tokens, rowsTokens + droppedTotal());
        if (anyExample) {
            require(corpus, "kept = rows of corpus.examples", kept, examples);
        }
    }

    private static void require(String corpus, String law, long left, long right) {
        if (left != right) {
            throw new IllegalStateException(
                    "Data was lost in corpus " + corpus + ": " + law + " does not hold, " + left + " != " + right);
        }
    }
}
