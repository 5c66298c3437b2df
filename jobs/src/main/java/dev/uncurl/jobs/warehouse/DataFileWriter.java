package dev.uncurl.jobs.warehouse;

import dev.uncurl.jobs.warehouse.row.RecordMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.PartitionData;
import org.apache.iceberg.Table;
import org.apache.iceberg.TableProperties;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.spark.SparkSchemaUtil;
import org.apache.iceberg.spark.data.SparkParquetWriters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;

/**
 * Writes rows of one partition into one data file of a table, to be committed later. Records become Spark's internal
 * rows, so that arrays of tokens stay primitive down to Parquet.
 */
public final class DataFileWriter<R extends Record> implements AutoCloseable {
    private final Table table;
    private final RecordMapper<R> mapper;
    private final DataWriter<InternalRow> writer;
    private boolean ended;

    /**
     * @param type record of the table
     * @param name of the file, unique
     * @param partition the values of the table's partition columns, in their order
     * @throws IllegalStateException when the record does not fit the table
     */
    public DataFileWriter(Class<R> type, Table table, String name, Object... partition) {
        this.table = table;
        StructType schema = SparkSchemaUtil.convert(table.schema());
        mapper = RecordMapper.ofTable(type, schema, table.name());
        var values = new PartitionData(table.spec().partitionType());
        for (int i = 0; i < partition.length; i++) {
            values.set(i, partition[i]);
        }
        String location = folder(table, partition) + "/" + name + ".parquet";
        try {
            writer = Parquet.writeData(table.io().newOutputFile(location))
                    .forTable(table)
                    .withSpec(table.spec())
                    .withPartition(values)
                    .createWriterFunc(parquet -> SparkParquetWriters.buildWriter(schema, parquet))
                    .overwrite()
                    .build();
        } catch (IOException e) {
            throw new UncheckedIOException("opening " + location, e);
        }
    }

    /** Folder of a partition; Iceberg's own name for it could be longer than file systems allow. */
    private static String folder(Table table, Object... partition) {
        String data = table.properties().getOrDefault(TableProperties.WRITE_DATA_LOCATION, table.location() + "/data");
        return data + "/"
                + PathName.of(Arrays.stream(partition).map(Object::toString).toArray(String[]::new));
    }

    public void add(R row) {
        writer.write(mapper.toInternal(row));
    }

    /** Closes the file and returns it. */
    public DataFile end() {
        try {
            writer.close();
        } catch (IOException e) {
            throw new UncheckedIOException("ending a data file of " + table.name(), e);
        }
        ended = true;
        return writer.toDataFile();
    }

    /** Deletes the file unless {@link #end} was called. */
    @Override
    public void close() throws IOException {
        if (!ended) {
            writer.close();
            table.io().deleteFile(writer.toDataFile().location());
        }
    }
}
