package dev.uncurl.jobs.maintain;

import java.util.Locale;

/** How much a table, or several, have in their folders. */
record TableSize(long files, long snapshots, long bytes) {
    static final TableSize NONE = new TableSize(0, 0, 0);

    TableSize plus(TableSize other) {
        return new TableSize(files + other.files, snapshots + other.snapshots, bytes + other.bytes);
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%,d files, %,d snapshots, %,d bytes", files, snapshots, bytes);
    }
}
