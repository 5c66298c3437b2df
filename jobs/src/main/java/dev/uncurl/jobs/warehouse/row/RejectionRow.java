package dev.uncurl.jobs.warehouse.row;

/** A row of corpus.rejections; the columns are described in schemas/corpus.rejections.sql. */
public record RejectionRow(String corpus, String source, String location, String reason, String excerpt) {}
