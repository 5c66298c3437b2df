package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.NewFile;
import dev.uncurl.jobs.warehouse.row.RecordMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.MetricsConfig;
import org.apache.iceberg.Table;
import org.apache.iceberg.hadoop.HadoopInputFile;
import org.apache.iceberg.hadoop.HadoopOutputFile;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.parquet.Parquet;
import org.apache.iceberg.parquet.ParquetUtil;
import org.apache.iceberg.spark.SparkSchemaUtil;
import org.apache.iceberg.spark.data.SparkParquetReaders;
import org.apache.iceberg.spark.data.SparkParquetWriters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;

/** A Parquet file with rows of a table that is not part of the table: finished work that waits for its commit. */
public final class RowFile<R extends Record> {
    private final Class<R> type;
    private final Table table;
    private final Configuration hadoop;
    private final Path path;

    /**
     * @param type record of the table
     * @param path of the file, which need not exist
     */
    public RowFile(Class<R> type, Table table, Configuration hadoop, Path path) {
        this.type = type;
        this.table = table;
        this.hadoop = hadoop;
        this.path = path;
    }

    public boolean exists() throws IOException {
        return files().exists(path);
    }

    public void delete() throws IOException {
        files().delete(path, false);
    }

    /** Writes the rows; readers see all or none. */
    public void write(List<R> rows) throws IOException {
        Path draft = NewFile.draft(files(), path);
        StructType schema = SparkSchemaUtil.convert(table.schema());
        RecordMapper<R> mapper = RecordMapper.ofTable(type, schema, table.name());
        try (FileAppender<InternalRow> out = Parquet.write(HadoopOutputFile.fromPath(draft, hadoop))
                .forTable(table)
                .createWriterFunc(parquet -> SparkParquetWriters.buildWriter(schema, parquet))
                .overwrite()
                .build()) {
            rows.forEach(row -> out.add(mapper.toInternal(row)));
        }
        NewFile.publish(files(), draft, path);
    }

    /**
     * Returns the rows in the order in which they were written.
     *
     * @throws UncheckedIOException for a file that cannot be read or is damaged
     */
    public List<R> read() {
        StructType schema = SparkSchemaUtil.convert(table.schema());
        RecordMapper<R> mapper = RecordMapper.ofTable(type, schema, table.name());
        var read = new ArrayList<R>();
        try (CloseableIterable<InternalRow> rows = Parquet.read(HadoopInputFile.fromPath(path, hadoop))
                .project(table.schema())
                .createReaderFunc(parquet -> SparkParquetReaders.buildReader(table.schema(), parquet))
                .build()) {
            rows.forEach(row -> read.add(mapper.fromInternal(row)));
            return read;
        } catch (IOException | RuntimeException e) { // Parquet has no exception of its own for damage
            throw new UncheckedIOException(new IOException("reading " + path, e));
        }
    }

    /** The number of rows; -1 for a file that is damaged or cut off. */
    public long rows() {
        try {
            return ParquetUtil.fileMetrics(HadoopInputFile.fromPath(path, hadoop), MetricsConfig.getDefault())
                    .recordCount();
        } catch (RuntimeException e) {
            return -1;
        }
    }

    private FileSystem files() throws IOException {
        return path.getFileSystem(hadoop);
    }
}
