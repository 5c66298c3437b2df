package dev.uncurl.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.Refusal;
import java.io.InputStream;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** How a corpus is written. */
public sealed interface CorpusFormat {
    /** The corpus's name in tables: cc100, mc4, flan, superglue/boolq. */
    String corpus();

    /** Reads text that is already decompressed. The reader closes the stream. */
    CorpusReader read(String source, InputStream in, int cap);

    /** Opens a file, decompressed by its ending, and reads it with the default cap. */
    default CorpusReader open(Configuration configuration, String file) {
        return read(file, CorpusFiles.open(configuration, file), CorpusReader.DEFAULT_CAP);
    }

    /**
     * The format of that name: cc100, mc4, flan, or a SuperGLUE task such as superglue/boolq.
     *
     * @throws Refusal (usage) for any other, with the nearest
     */
    static CorpusFormat of(String name) {
        return switch (name) {
            case "cc100" -> new Cc100();
            case "mc4" -> new Mc4();
            case "flan" -> new Flan();
            default -> {
                if (name.startsWith("superglue/")) {
                    yield new SuperGlue(TaskDefinition.load(name));
                }
                throw Refusal.usage(
                        "corpus format '" + name + "' is not known",
                        Nearest.hint(name, List.of("cc100", "mc4", "flan", "superglue/<task>")));
            }
        };
    }

    /** Text, a paragraph a line, an empty line after each document. Gives documents. */
    record Cc100() implements CorpusFormat {
        @Override
        public String corpus() {
            return "cc100";
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap) {
            return new Cc100Reader(corpus(), source, in, cap);
        }
    }

    /**
     * mC4 and C4: JSON lines with text, timestamp and url. The text is needed; the other two may be missing, but must
     * be strings. Gives documents.
     */
    record Mc4() implements CorpusFormat {
        @Override
        public String corpus() {
            return "mc4";
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap) {
            return new JsonLinesReader(corpus(), source, in, cap, Mc4::document);
        }

        private static Outcome document(JsonNode row, String source, long offset, long line)
                throws RowRejectedException {
            RowParser.optional(row, "timestamp");
            RowParser.optional(row, "url");
            return new Document(source, offset, line, RowParser.required(row, "text"));
        }
    }

    /**
     * FLAN 2022: JSON lines with inputs, targets, task_source, task_name and template_type; task_source and
     * template_type may be missing. Gives examples without choices; a space joins inputs and targets unless the inputs
     * end with one, or with a line end.
     */
    record Flan() implements CorpusFormat {
        @Override
        public String corpus() {
            return "flan";
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap) {
            return new JsonLinesReader(corpus(), source, in, cap, Flan::example);
        }

        private static Outcome example(JsonNode row, String source, long offset, long line)
                throws RowRejectedException {
            String inputs = RowParser.required(row, "inputs");
            String targets = RowParser.required(row, "targets");
            String task = RowParser.required(row, "task_name");
            RowParser.optional(row, "task_source");
            RowParser.optional(row, "template_type");
            String separator = Character.isWhitespace(inputs.charAt(inputs.length() - 1)) ? "" : " ";
            return new Example(source, offset, line, task, inputs, separator + targets, List.of(), -1);
        }
    }

    /** A SuperGLUE task: the official JSON lines, rendered by the task's prompt. Gives examples with choices. */
    record SuperGlue(TaskDefinition task) implements CorpusFormat {
        @Override
        public String corpus() {
            return task.name();
        }

        @Override
        public CorpusReader read(String source, InputStream in, int cap) {
            return new JsonLinesReader(corpus(), source, in, cap, task::example);
        }
    }
}
