package dev.uncurl.jobs.warehouse.row;

/** A row of corpus.documents; the columns are described in schemas/corpus.documents.sql. */
public record DocumentRow(String corpus, String contentHash, String source, long sourceOffset) {}
