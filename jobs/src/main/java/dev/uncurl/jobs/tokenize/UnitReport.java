package dev.uncurl.jobs.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * The result of tokenising a unit: its counts, and the segments of its staged rows. It is stored as JSON in the staging
 * folder; a unit with a report is finished.
 *
 * @param unit number of the unit
 * @param file name of the file of staged rows in the staging folder
 * @param fileBytes size of this file
 * @param documents number of documents or rows read
 * @param kept number of those that were packed or became examples
 * @param filtered number of those filtered out, by reason
 * @param rejected number of those rejected, by reason
 * @param tokens tokens from the tokenizer, including end-of-text ids
 * @param dropped tokens that were left out after tokenising, by reason
 * @param padding positions of padding
 * @param textBytes bytes of text read, decompressed
 * @param lengths documents by length: entry i counts those with 2^i to 2^(i+1) - 1 tokens
 * @param languages documents by language, if languages are counted
 * @param segments groups of staged rows in the file
 * @param tails tokens that did not fill a sequence and are carried over, by split
 * @param rejectedAt location of the first rejection of each reason
 * @param damage the damage of the file and its location, if it ended the unit early; otherwise null
 */
record UnitReport(
        int unit,
        String file,
        long fileBytes,
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
        List<Segment> segments,
        Map<String, TailPacking.Fragment> tails,
        Map<String, String> rejectedAt,
        String damage)
        implements Serializable {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** Number of entries of {@link #lengths}; the last entry also counts all longer documents. */
    static final int LENGTHS = 28;

    UnitReport {
        rejectedAt = rejectedAt == null ? Map.of() : rejectedAt; // null in a report of an earlier release
    }

    /** Consecutive records of one key in the file. */
    record Segment(StagedKey key, long offset, int length, int records) implements Serializable {}

    String json() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A report has only numbers and names", e);
        }
    }

    /** @throws IOException if the JSON is not a complete report */
    static UnitReport parse(byte[] json) throws IOException {
        return JSON.readValue(json, UnitReport.class);
    }

    long filteredTotal() {
        return total(filtered);
    }

    long rejectedTotal() {
        return total(rejected);
    }

    static long total(Map<String, Long> counts) {
        return counts.values().stream().mapToLong(Long::longValue).sum();
    }
}
