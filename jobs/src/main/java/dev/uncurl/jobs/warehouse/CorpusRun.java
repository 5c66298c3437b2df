package dev.uncurl.jobs.warehouse;

import static org.apache.spark.sql.functions.col;

import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.corpus.task.TaskDefinition;
import dev.uncurl.corpus.task.TaskMetric;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The tokenise run that produced a corpus: those columns of corpus.runs that readers need. */
public record CorpusRun(
        String corpus, String runId, String tokenizer, int vocabulary, int sequenceLength, Map<String, String> inputs) {
    /** The input that is the name of the corpus's format. */
    public static final String FORMAT = "format";

    /** The input with the metrics of a task whose file is the user's own. */
    public static final String METRICS = "metrics";

    /** The newest run of a corpus, or null if there is none. */
    public static CorpusRun newest(Warehouse warehouse, String corpus) {
        var last = warehouse
                .rows(UncurlTable.RUNS, "corpus", corpus)
                .orderBy(col("finished_at").desc())
                .limit(1);
        return Records.read(last, CorpusRun.class).stream().findFirst().orElse(null);
    }

    /** The newest run of every corpus, by name. */
    public static Map<String, CorpusRun> newest(Warehouse warehouse) {
        var runs = new TreeMap<String, CorpusRun>();
        Records.read(warehouse.table(UncurlTable.RUNS).orderBy("finished_at"), CorpusRun.class)
                .forEach(run -> runs.put(run.corpus, run));
        return runs;
    }

    /**
     * The run of a corpus, or of the corpus that a task belongs to: {@code flan} for {@code flan/cot_creak}.
     *
     * @throws UserError (input) when there is no such corpus or task
     */
    public static CorpusRun ofTask(Warehouse warehouse, String task) {
        return find(warehouse, task)
                .orElseThrow(() -> UserError.input(
                        "There is no tokenised " + task + " in this warehouse; it has: " + known(warehouse),
                        "Run tokenize for it first, with the same --warehouse, or name one of these or a task as"
                                + " corpus.examples has it."));
    }

    private static Optional<CorpusRun> find(Warehouse warehouse, String task) {
        CorpusRun run = newest(warehouse, task);
        return run != null
                ? Optional.of(run)
                : ExampleOwners.of(warehouse).ofTask(warehouse, task).map(corpus -> newest(warehouse, corpus));
    }

    /** The runs of corpora or tasks, in the given order. */
    public static List<CorpusRun> ofAll(Warehouse warehouse, List<String> tasks) {
        var runs = new ArrayList<CorpusRun>();
        for (String task : tasks) {
            runs.add(ofTask(warehouse, task));
        }
        return runs;
    }

    private static String known(Warehouse warehouse) {
        String names = warehouse.table(UncurlTable.RUNS).select("corpus").distinct().collectAsList().stream()
                .map(row -> row.getString(0))
                .sorted()
                .collect(Collectors.joining(", "));
        return names.isEmpty() ? "nothing" : names;
    }

    /** Metrics as one string, from which {@link #metrics()} reads them. */
    public static String names(List<TaskMetric> metrics) {
        return metrics.stream().map(TaskMetric::label).collect(Collectors.joining(","));
    }

    /**
     * The metrics of the task that the corpus was made by, the main one first; none for a corpus of free text.
     *
     * @throws UserError (usage) if the task is not in conf/task any more
     */
    public List<TaskMetric> metrics() {
        if (inputs.containsKey(METRICS)) {
            return Arrays.stream(inputs.get(METRICS).split(","))
                    .map(label -> TaskMetric.of(label, "corpus " + corpus))
                    .toList();
        }
        String format = inputs.getOrDefault(FORMAT, corpus);
        return CorpusFormat.NAMES.contains(format)
                ? List.of()
                : TaskDefinition.load(format).metrics();
    }

    /** Run ids of several corpora as one string, which identifies the data of a result. */
    public static String ids(List<CorpusRun> runs) {
        return runs.stream()
                .map(run -> run.corpus + "@" + run.runId.substring(0, 12))
                .collect(Collectors.joining("+"));
    }

    /**
     * @param fingerprint of the tokenizer that a model was trained with
     * @throws UserError (input) when the corpus was tokenised with another
     */
    public void requireTokenizer(String fingerprint, String modelId) {
        if (!tokenizer.equals(fingerprint)) {
            throw UserError.input(
                    corpus + " was tokenised with " + tokenizer + ", model " + modelId + " was trained with "
                            + fingerprint,
                    "Tokenise the corpus with the model's tokenizer, in a warehouse of its own.");
        }
    }
}
