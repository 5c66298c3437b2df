package dev.uncurl.jobs.maintain;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.function.Consumer;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileConstants;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;

/** Copies Avro files (Iceberg's manifests and manifest lists) with some fields changed. */
final class AvroPaths {
    private AvroPaths() {}

    /**
     * @param change called with each record, whose fields it may alter
     * @throws IOException when {@code in} is not a complete Avro file
     */
    static void copy(InputStream in, OutputStream out, Consumer<GenericRecord> change) throws IOException {
        try (var records = new DataFileStream<GenericRecord>(in, new GenericDatumReader<>())) {
            Schema schema = records.getSchema();
            try (var writer = new DataFileWriter<GenericRecord>(new GenericDatumWriter<>(schema))) {
                for (String key : records.getMetaKeys()) {
                    if (!DataFileWriter.isReservedMeta(key)) {
                        writer.setMeta(key, records.getMeta(key));
                    }
                }
                String codec = records.getMetaString(DataFileConstants.CODEC);
                writer.setCodec(codec == null ? CodecFactory.nullCodec() : CodecFactory.fromString(codec));
                writer.create(schema, out);
                while (records.hasNext()) {
                    GenericRecord next = records.next();
                    change.accept(next);
                    writer.append(next);
                }
            }
        }
    }
}
