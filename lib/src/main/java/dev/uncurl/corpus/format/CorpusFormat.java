package dev.uncurl.corpus.format;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.io.ByteRange;
import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.corpus.io.PartHash;
import dev.uncurl.corpus.row.FlanRow;
import dev.uncurl.corpus.row.JsonRow;
import dev.uncurl.corpus.row.RowRejectedException;
import dev.uncurl.corpus.task.ExampleTemplate;
import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.io.InputStream;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;

/** A file format of corpora. */
public sealed interface CorpusFormat {
    /** The names of the formats that are no task. */
    List<String> NAMES = List.of("cc100", "mc4", "flan", "cot", "super-natural-instructions");

    /** The name of the format or task in rejections: cc100, mc4, flan, superglue/boolq. */
    String corpus();

    /**
     * Reads a part of a file.
     *
     * @param in decompressed contents from byte {@code range.from()} on
     * @param cap largest document or row in bytes
     */
    CorpusReader read(String source, InputStream in, int cap, ByteRange range);

    /** Reads decompressed text. The reader closes the stream. */
    default CorpusReader read(String source, InputStream in, int cap) {
        return read(source, in, cap, ByteRange.WHOLE);
    }

    /** Opens a file, decompresses it according to its ending, and reads it with the default cap. */
    default CorpusReader open(Configuration configuration, String file) {
        return open(configuration, file, null);
    }

    /**
     * Like {@link #open(Configuration, String)}.
     *
     * @param hash receives the bytes on disk as they are read; null for none
     */
    default CorpusReader open(Configuration configuration, String file, PartHash hash) {
        return read(file, CorpusFiles.open(configuration, file, hash), CorpusReader.DEFAULT_CAP);
    }

    /**
     * Opens a part of a file and reads, with the default cap, all documents or rows that begin in it, completely.
     * However a file is divided, its parts together give the same outcomes as the whole file, except that line numbers
     * are 0 (unknown).
     *
     * @param start first byte of the part
     * @param length bytes of the part; may exceed the end of the file
     * @param hash receives the bytes of the part as they are read; null for none
     * @throws IllegalArgumentException for a file that is not {@linkplain #splittable splittable}
     */
    default CorpusReader open(Configuration configuration, String file, long start, long length, PartHash hash) {
        if (!splittable(file)) {
            throw new IllegalArgumentException(file + " can only be read as a whole");
        }
        var range = ByteRange.of(start, length);
        return read(file, CorpusFiles.openAt(configuration, file, range.from(), hash), CorpusReader.DEFAULT_CAP, range);
    }

    /** Like {@link #open(Configuration, String, long, long, PartHash)}, without a hash. */
    default CorpusReader open(Configuration configuration, String file, long start, long length) {
        return open(configuration, file, start, length, null);
    }

    /** Whether parts of the file can be read: it is not compressed, and its format is line-based. */
    default boolean splittable(String file) {
        return !CorpusFiles.compressed(file);
    }

    /**
     * Whether the format gives documents, which are filtered and packed into sequences; otherwise it gives examples.
     */
    default boolean givesDocuments() {
        return false;
    }

    /** The version of the wording of the examples; "none" if the format has no wording of its own. */
    default String promptVersion() {
        return "none";
    }

    /**
     * Tells examples from those that earlier releases made of the same rows; empty if they are the same. A corpus of
     * another form is not taken for one of this.
     */
    default Optional<String> exampleForm() {
        return Optional.empty();
    }

    /**
     * Returns a format by name: cc100, mc4, flan, cot, super-natural-instructions, a task of conf/task such as
     * superglue/boolq, or the path of a task's file, which ends with {@value
     * TaskDefinition#ENDING}.
     *
     * @throws UserError (usage) for an unknown name, with the nearest known one, or a file that is no task
     */
    static CorpusFormat of(String name) {
        return of(name, TaskDefinition.fileText(name));
    }

    /**
     * Like {@link #of(String)}, where the file of a task may not be there.
     *
     * @param taskText {@link TaskDefinition#fileText} of the name
     */
    static CorpusFormat of(String name, String taskText) {
        if (taskText != null) {
            return new Task(TaskDefinition.parse(taskText, name));
        }
        return switch (name) {
            case "cc100" -> new Cc100();
            case "mc4" -> new Mc4();
            case "flan" -> new Flan();
            case "cot" -> new Cot(ExampleTemplate.load(name, CotRow.FIELDS));
            case "super-natural-instructions" -> new SuperNaturalInstructions(
                    ExampleTemplate.load(name, InstructionTaskReader.FIELDS));
            default -> new Task(TaskDefinition.find(name).orElseThrow(() -> unknown(name)));
        };
    }

    private static UserError unknown(String name) {
        var known =
                Stream.concat(NAMES.stream(), TaskDefinition.known().stream()).toList();
        return UserError.usage("corpus format '" + name + "' is not known", Nearest.hint(name, known));
    }

    /** Text with one paragraph per line and an empty line after each document. Gives documents. */
    record Cc100() implements CorpusFormat {
        @Override
        public String corpus() {
            return "cc100";
        }

        @Override
        public boolean givesDocuments() {
            return true;
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            return new Cc100Reader(corpus(), source, in, cap, range);
        }
    }

    /**
     * mC4 and C4: JSON lines with text, timestamp and url. The text is required; the other two are optional, but must
     * be strings. Gives documents.
     */
    record Mc4() implements CorpusFormat {
        @Override
        public String corpus() {
            return "mc4";
        }

        @Override
        public boolean givesDocuments() {
            return true;
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            return new RowReader(corpus(), source, in, cap, range, JsonRow.parser(Mc4::document));
        }

        private static Iterator<Document> document(JsonNode row, String source, long offset, long line)
                throws RowRejectedException {
            JsonRow.optional(row, "timestamp");
            JsonRow.optional(row, "url");
            return List.of(new Document(source, offset, line, JsonRow.required(row, "text")))
                    .iterator();
        }
    }

    /**
     * FLAN 2022: JSON lines with inputs, targets, task_source, task_name and template_type; task_source and
     * template_type are optional. Gives examples without choices. Inputs and targets are joined by a space, unless the
     * inputs end with white space.
     */
    record Flan() implements CorpusFormat {
        @Override
        public String corpus() {
            return "flan";
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            return new RowReader(corpus(), source, in, cap, range, JsonRow.parser(Flan::example));
        }

        private static Iterator<Example> example(JsonNode row, String source, long offset, long line)
                throws RowRejectedException {
            FlanRow flan = FlanRow.of(row);
            String task = JsonRow.required(row, "task_name");
            JsonRow.optional(row, "task_source");
            JsonRow.optional(row, "template_type");
            return List.of(Example.freeText(source, offset, line, task, flan.inputs(), flan.separatedTargets()))
                    .iterator();
        }
    }

    /**
     * FLAN's chain-of-thought files: each line has a question, its answer and its rationale, separated by tabs. Gives
     * examples without choices.
     */
    record Cot(ExampleTemplate template) implements CorpusFormat {
        @Override
        public String corpus() {
            return "cot";
        }

        @Override
        public String promptVersion() {
            return template.version();
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            return new RowReader(
                    corpus(),
                    source,
                    in,
                    cap,
                    range,
                    (row, from, offset, line) -> CotRow.parse(template, row, from, offset, line));
        }
    }

    /**
     * A task of Super-NaturalInstructions: one JSON file with its definition and instances. Gives examples without
     * choices.
     */
    record SuperNaturalInstructions(ExampleTemplate template) implements CorpusFormat {
        @Override
        public String corpus() {
            return "super-natural-instructions";
        }

        @Override
        public String promptVersion() {
            return template.version();
        }

        @Override
        public boolean splittable(String file) {
            return false;
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            if (range != ByteRange.WHOLE) {
                throw new IllegalArgumentException(source + " can only be read as a whole");
            }
            return new InstructionTaskReader(corpus(), source, in, cap, template);
        }
    }

    /** A task with choices: JSON lines, rendered by the task's prompt. Gives examples with choices. */
    record Task(TaskDefinition task) implements CorpusFormat {
        @Override
        public String corpus() {
            return task.name();
        }

        @Override
        public String promptVersion() {
            return task.version();
        }

        @Override
        public Optional<String> exampleForm() {
            return task.exampleForm();
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap, ByteRange range) {
            return new RowReader(corpus(), source, in, cap, range, JsonRow.parser(task::examples));
        }
    }
}
