package dev.uncurl.jobs;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableOperations;
import org.apache.iceberg.encryption.EncryptionManager;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.LocationProvider;

/** A table's operations, which count the commits that the catalog refuses; Iceberg then tries again. */
final class CountedOperations implements TableOperations {
    private final TableOperations table;
    private final AtomicLong refused;

    CountedOperations(TableOperations table, AtomicLong refused) {
        this.table = table;
        this.refused = refused;
    }

    @Override
    public void commit(TableMetadata base, TableMetadata metadata) {
        try {
            table.commit(base, metadata);
        } catch (CommitFailedException e) {
            refused.incrementAndGet();
            throw e;
        }
    }

    @Override
    public TableMetadata current() {
        return table.current();
    }

    @Override
    public TableMetadata refresh() {
        return table.refresh();
    }

    @Override
    public FileIO io() {
        return table.io();
    }

    @Override
    public EncryptionManager encryption() {
        return table.encryption();
    }

    @Override
    public String metadataFileLocation(String fileName) {
        return table.metadataFileLocation(fileName);
    }

    @Override
    public LocationProvider locationProvider() {
        return table.locationProvider();
    }

    @Override
    public TableOperations temp(TableMetadata uncommitted) {
        return table.temp(uncommitted);
    }

    @Override
    public long newSnapshotId() {
        return table.newSnapshotId();
    }
}
