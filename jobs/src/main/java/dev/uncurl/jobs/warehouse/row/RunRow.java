package dev.uncurl.jobs.warehouse.row;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A row of corpus.runs; the columns are described in schemas/corpus.runs.sql. */
public record RunRow(
        String runId,
        String corpus,
        Instant finishedAt,
        long documentsIn,
        long documentsKept,
        long documentsFiltered,
        long documentsRejected,
        Map<String, Long> filtered,
        Map<String, Long> rejected,
        long tokens,
        Map<String, Long> tokensDropped,
        long padding,
        long rows,
        long bytes,
        long textBytes,
        long[] lengths,
        Map<String, Long> languages,
        String tokenizer,
        int vocabulary,
        int sequenceLength,
        String licence,
        List<String> sources,
        String command,
        Map<String, String> inputs,
        Optional<Long> filesDamaged,
        Optional<Map<String, Long>> rejectedBySplit,
        Optional<Long> documentsInBothSplits) {}
