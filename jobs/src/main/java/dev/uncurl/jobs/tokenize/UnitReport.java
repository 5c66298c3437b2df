package dev.uncurl.jobs.tokenize;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Map;

/**
 * What became of a unit, and where its rows are staged. It stands beside the staged rows as JSON; a unit with a report
 * is finished.
 *
 * @param file the staged rows, a name within the staging folder
 * @param fileBytes their size
 * @param documents documents or rows that the reader gave
 * @param kept those that went on to packing or became an example
 * @param filtered those left out, by reason
 * @param rejected those refused, by reason
 * @param tokens tokens that came out of the tokenizer, ends of documents with them
 * @param dropped tokens that filters after tokenising took, by reason
 * @param padding positions that pad
 * @param textBytes bytes of text read, decompressed
 * @param lengths documents by length: entry i counts those with 2^i to 2^(i+1) - 1 tokens
 * @param languages documents by language, when languages are counted
 * @param tails ends of splits that did not fill a sequence and are carried on, by split
 * @param rejectedAt place of the first rejection for each reason
 * @param damage what is wrong with the file, and where, if the unit came to an end before it; else null
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

    /** Entries of {@link #lengths}: the last one counts all longer ones. */
    static final int LENGTHS = 28;

    UnitReport {
        rejectedAt = rejectedAt == null ? Map.of() : rejectedAt; // a report that an earlier release has staged
    }

    /** A run of records of one key within the file. */
    record Segment(StagedKey key, long offset, int length, int records) implements Serializable {}

    String json() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A report is made of numbers and names", e);
        }
    }

    /** @throws IOException when it is not a whole report */
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
