package dev.uncurl.jobs.tokenize;

import dev.uncurl.jobs.warehouse.DataFileWriter;
import dev.uncurl.jobs.warehouse.row.DocumentRow;
import dev.uncurl.jobs.warehouse.row.ExampleRow;
import dev.uncurl.jobs.warehouse.row.RejectionRow;
import dev.uncurl.jobs.warehouse.row.SequenceRow;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.Table;

/** Writes the staged rows of one key, from all units of a corpus, to one data file. */
final class CorpusOutput {
    /**
     * Staged rows to write.
     *
     * @param name of the data file
     * @param firstId id of its first row
     * @param keep number of examples to take, in the order of the mixture; -1: all
     * @param parts segments with the rows, in the order of units
     */
    record Job(
            String corpus,
            String name,
            StagedKey key,
            long firstId,
            String promptVersion,
            long seed,
            long keep,
            List<Part> parts)
            implements Serializable {
        long bytes() {
            return parts.stream().mapToLong(Part::length).sum();
        }
    }

    /** A segment of a staged file. */
    record Part(String file, long offset, int length, int records) implements Serializable {}

    /**
     * A written data file.
     *
     * @param rows number of rows, counted while writing
     * @param tokens number of tokens in these rows, without padding
     * @param dropped tokens of the examples that the mixture left out
     * @param droppedRows number of these examples
     */
    record Written(String corpus, StagedKey key, DataFile file, long rows, long tokens, long dropped, long droppedRows)
            implements Serializable {}

    private final Job job;
    private final Table table;
    private final Map<Integer, String> paths;
    private final FileSystem files;
    private long rows;
    private long tokens;
    private long dropped;
    private long droppedRows;

    CorpusOutput(Job job, Table table, Map<Integer, String> paths, FileSystem files) {
        this.job = job;
        this.table = table;
        this.paths = paths;
        this.files = files;
    }

    Written write() throws IOException {
        DataFile file =
                switch (job.key.kind()) {
                    case SEQUENCE -> write(SequenceRow.class, this::sequences, job.corpus, job.key.split());
                    case EXAMPLE -> write(ExampleRow.class, this::examples, job.key.detail(), job.key.split());
                    case REJECTION -> write(RejectionRow.class, this::rejections, job.corpus);
                    case DOCUMENT -> write(DocumentRow.class, this::documents, job.corpus);
                };
        return new Written(job.corpus, job.key, file, rows, tokens, dropped, droppedRows);
    }

    /** Writes the rows of one kind. */
    private interface Rows<R extends Record> {
        void to(DataFileWriter<R> out) throws IOException;
    }

    private <R extends Record> DataFile write(Class<R> type, Rows<R> rows, Object... partition) throws IOException {
        try (var out = new DataFileWriter<>(type, table, job.name, partition)) {
            rows.to(out);
            return out.end();
        }
    }

    private byte[] read(Part part) throws IOException {
        byte[] bytes = new byte[part.length];
        try (var in = files.open(new Path(part.file))) {
            in.readFully(part.offset, bytes);
        }
        return bytes;
    }

    private record Place(long order, int unit, int index, byte[] bytes, int from) {}

    private void sequences(DataFileWriter<SequenceRow> out) throws IOException {
        var places = new ArrayList<Place>();
        for (Part part : job.parts) {
            byte[] bytes = read(part);
            var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
            while (!in.atEnd()) {
                long order = in.getLong();
                int unit = in.getInt();
                int index = in.getInt();
                int length = in.getInt();
                places.add(new Place(order, unit, index, bytes, in.position()));
                in.skip(length);
            }
        }
        places.sort(Comparator.comparingLong(Place::order)
                .thenComparingInt(Place::unit)
                .thenComparingInt(Place::index));
        for (Place place : places) {
            var in = new RecordBuffer.Reader(place.bytes, place.from, place.bytes.length);
            int[] ids = in.getTokens();
            int[] starts = in.getInts();
            int[] units = in.getInts();
            var references = new ArrayList<SequenceRow.SourceReference>(units.length);
            for (int unit : units) {
                references.add(new SequenceRow.SourceReference(paths.get(unit), in.getLong()));
            }
            int end = ids.length;
            while (end > 0 && ids[end - 1] < 0) {
                end--;
            }
            tokens += end;
            out.add(new SequenceRow(job.corpus, job.key.split(), job.firstId + rows++, ids, starts, references));
        }
    }

    private void examples(DataFileWriter<ExampleRow> out) throws IOException {
        var choice = job.keep < 0 ? null : choice();
        for (Part part : job.parts) {
            byte[] bytes = read(part);
            var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
            while (!in.atEnd()) {
                long content = in.getLong();
                boolean taken = choice == null || choice.take(Shuffle.rank(job.seed, content));
                int unit = in.getInt();
                long offset = in.getLong();
                int place = in.getInt();
                int group = in.getInt();
                int label = in.getInt();
                int[] prompt = in.getTokens();
                int[] target = in.getTokens();
                var choices = new ArrayList<int[]>();
                for (int count = in.getInt(); count > 0; count--) {
                    choices.add(in.getTokens());
                }
                int[] right = in.getInts();
                var answers = new ArrayList<String>();
                for (int count = in.getInt(); count > 0; count--) {
                    answers.add(in.getString());
                }
                if (!taken) {
                    dropped += prompt.length + target.length;
                    droppedRows++;
                    continue;
                }
                tokens += prompt.length + target.length;
                boolean free = choices.isEmpty();
                out.add(new ExampleRow(
                        job.key.detail(),
                        job.key.split(),
                        job.firstId + rows++,
                        prompt,
                        target,
                        free ? Optional.empty() : Optional.of(choices),
                        free ? Optional.empty() : Optional.of(label),
                        free ? Optional.empty() : Optional.of(right),
                        job.promptVersion,
                        paths.get(unit),
                        offset,
                        place,
                        group,
                        Optional.of(job.corpus),
                        answers.isEmpty() ? Optional.empty() : Optional.of(answers)));
            }
        }
    }

    /** Takes the examples with the lowest ranks. Examples with equal ranks are copies; the first ones are taken. */
    private static final class Choice {
        private final long highest;
        private long ofHighest;

        /** @param ranks ranks of the examples to take, ascending */
        Choice(long[] ranks) {
            highest = ranks.length == 0 ? Long.MIN_VALUE : ranks[ranks.length - 1];
            ofHighest = Arrays.stream(ranks).filter(rank -> rank == highest).count();
        }

        boolean take(long rank) {
            return rank < highest || rank == highest && ofHighest-- > 0;
        }
    }

    private Choice choice() throws IOException {
        var ranks = new long[job.parts.stream().mapToInt(Part::records).sum()];
        int count = 0;
        for (Part part : job.parts) {
            byte[] bytes = read(part);
            var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
            while (!in.atEnd()) {
                ranks[count++] = Shuffle.rank(job.seed, in.getLong());
                in.skip(24);
                in.getTokens();
                in.getTokens();
                for (int choices = in.getInt(); choices > 0; choices--) {
                    in.getTokens();
                }
                in.getInts();
                for (int answers = in.getInt(); answers > 0; answers--) {
                    in.getString();
                }
            }
        }
        Arrays.sort(ranks);
        return new Choice(Arrays.copyOf(ranks, (int) Math.min(job.keep, count)));
    }

    private void rejections(DataFileWriter<RejectionRow> out) throws IOException {
        for (Part part : job.parts) {
            byte[] bytes = read(part);
            var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
            while (!in.atEnd()) {
                out.add(new RejectionRow(
                        job.corpus, paths.get(in.getInt()), in.getString(), in.getString(), in.getString()));
                rows++;
            }
        }
    }

    private void documents(DataFileWriter<DocumentRow> out) throws IOException {
        for (Part part : job.parts) {
            byte[] bytes = read(part);
            var in = new RecordBuffer.Reader(bytes, 0, bytes.length);
            while (!in.atEnd()) {
                out.add(new DocumentRow(job.corpus, in.getString(), paths.get(in.getInt()), in.getLong()));
                rows++;
            }
        }
    }
}
