package dev.uncurl.jobs.evaluate;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.filter;
import static org.apache.spark.sql.functions.lit;

import dev.uncurl.error.UserError;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.jobs.warehouse.CorpusRun;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * The examples that evaluate scores: those of a task (or of all tasks under a name), or the packed sequences of one corpus
 * or of several, joined by '+', as examples without a prompt. They depend on the context of the model, not on the model.
 *
 * @param label the name under which results are stored
 * @param names the one task, or the corpora
 * @param corpora whether these are corpora of packed sequences
 * @param tasks number of tasks under the name; of corpora, if these are corpora
 * @param runs the tokenise run of each name
 * @param limit the most examples, the first ones; 0 for all
 * @param context the model's sequence length
 * @param promptVersion of the examples; null for sequences
 * @param rows the examples whose answers fit into the context, with the columns of {@link ScoringItem.Columns}
 * @param blocks of these examples, with the counts of those that are cut or refused
 * @param rejected number of rows of the split that tokenize rejected (see {@link RejectedRows}); null for sequences and
 *     with a limit
 */
public record ScoringInputs(
        String label,
        List<String> names,
        String split,
        boolean corpora,
        int tasks,
        List<CorpusRun> runs,
        long limit,
        int context,
        String promptVersion,
        Dataset<Row> rows,
        ScoringBlocks blocks,
        Long rejected) {
    /** Condition for examples with contradictory columns, which cannot be scored. */
    private static final String BROKEN =
            """
            size(target_tokens) = 0 OR IF(choices IS NULL, label IS NOT NULL,
              size(choices) = 0 OR exists(choices, choice -> choice IS NULL OR size(choice) = 0)
              OR size(prompt_tokens) = 0
              OR label IS NULL OR label < 0 OR label >= size(choices)
              OR right_choices IS NULL OR NOT array_contains(right_choices, label)
              OR exists(right_choices, choice -> choice < 0 OR choice >= size(choices)))""";

    private static final Column PASSAGE = functions.concat_ws(":", col("source"), col("source_offset"));

    private static final String LONGEST_ANSWER =
            "greatest(size(target_tokens), coalesce(array_max(transform(choices, choice -> size(choice))), 0))";

    /**
     * The names in option --task of evaluate: the whole text if a corpus or task has this name, else its parts between '+'.
     *
     * @throws UserError (usage) for an empty name, or one given twice
     */
    public static List<String> names(Warehouse warehouse, String task) {
        if (task.indexOf('+') < 0 || CorpusRun.newest(warehouse, task) != null || hasExamples(warehouse, task)) {
            return List.of(task);
        }
        List<String> names = List.of(task.split("\\+", -1));
        if (names.stream().anyMatch(String::isBlank) || new HashSet<>(names).size() < names.size()) {
            throw UserError.usage(
                    "--task " + task + " has an empty name, or one name twice",
                    "Name different corpora, such as cc100+mc4.");
        }
        return names;
    }

    private static boolean hasExamples(Warehouse warehouse, String task) {
        return !warehouse.rows(UncurlTable.EXAMPLES, "task", task).isEmpty();
    }

    /**
     * @param limit the most examples or sequences, over all names and tasks together: the first ones; 0 for all
     * @throws UserError (input) if there is nothing to score, if names of examples and of sequences are mixed, or if an
     *     example has contradictory columns
     */
    static ScoringInputs of(Warehouse warehouse, List<String> names, String split, long limit, int context) {
        List<CorpusRun> runs = CorpusRun.ofAll(warehouse, names);
        boolean corpora = areCorpora(warehouse, names, split);
        String label = String.join("+", names);
        List<String> tasks = corpora ? names : Examples.tasks(warehouse, label, split);
        Dataset<Row> all = corpora ? sequences(warehouse, names, split) : examples(warehouse, label, split, tasks);
        if (limit > 0) {
            all = all.orderBy("example_id").limit(Math.toIntExact(limit));
        }
        if (!corpora) {
            requireSound(all, label, split);
        }
        int most = ExampleScorer.longest(context);
        Dataset<Row> measured = all.withColumn("longest", expr(LONGEST_ANSWER))
                .withColumn("fits", corpora ? lit(true) : Examples.fit(col("longest"), most))
                .withColumn("cut", Examples.isCut(col("longest"), most));
        var blocks = new ScoringBlocks(tasks.size(), ScoringBlocks.count(measured, tasks.size()));
        if (blocks.rows() == 0) {
            throw UserError.input(
                    "No example of " + label + " (" + split + ") fits: all " + blocks.refused()
                            + " have an answer that leaves no room for its prompt in a context of " + context
                            + " tokens",
                    "Use a model with a longer context.");
        }
        boolean passages = blocks.blocks().stream().anyMatch(block -> block.highestPart() > 0);
        return new ScoringInputs(
                label,
                names,
                split,
                corpora,
                tasks.size(),
                runs,
                limit,
                context,
                corpora ? null : promptVersion(warehouse, label, split),
                measured.where("fits")
                        .withColumn("cluster", passages ? PASSAGE : lit(null).cast("string"))
                        .select(Records.columns(ScoringItem.Columns.class)),
                blocks,
                corpora || limit > 0 ? null : RejectedRows.of(warehouse, label, split));
    }

    /** The runs and the limit, which together determine the rows. */
    String data() {
        return CorpusRun.ids(runs) + (limit > 0 ? " first " + limit + (tasks > 1 ? " in all" : "") : "");
    }

    /**
     * The examples of the first blocks. Those of a single task or corpus are the same as under that limit.
     *
     * @param count of blocks
     */
    ScoringInputs first(int count) {
        if (count == blocks.size()) {
            return this;
        }
        var first =
                new ScoringBlocks(blocks.names(), List.copyOf(blocks.blocks().subList(0, count)));
        return new ScoringInputs(
                label,
                names,
                split,
                corpora,
                tasks,
                runs,
                first.rows() + first.refused(),
                context,
                promptVersion,
                rows,
                first,
                null);
    }

    /** @throws UserError (input) unless all names are corpora with sequences in the split, or there is one task of examples */
    private static boolean areCorpora(Warehouse warehouse, List<String> names, String split) {
        var kinds = new ArrayList<String>();
        for (String name : names) {
            boolean sequences = !warehouse
                    .rows(UncurlTable.SEQUENCES, "corpus", name, "split", split)
                    .isEmpty();
            boolean examples = !Examples.of(warehouse, name, split).isEmpty();
            if (sequences && examples) {
                throw UserError.input(
                        name + " (" + split + ") is the name of a corpus of sequences and of tasks with examples",
                        "Tokenise one of them under another name.");
            }
            if (!sequences && !examples) {
                throw UserError.input(
                        "There is nothing to evaluate on: " + name + " has no rows in split " + split,
                        "Run tokenize for it, or name another --split.");
            }
            kinds.add(sequences ? "sequences" : "examples");
        }
        boolean corpora = kinds.get(0).equals("sequences");
        if (names.size() > 1 && kinds.contains("examples")) {
            String each = IntStream.range(0, names.size())
                    .mapToObj(i -> names.get(i) + " has " + kinds.get(i))
                    .collect(Collectors.joining(", "));
            throw UserError.input(
                    String.join("+", names) + " cannot be scored together: " + each,
                    "Only corpora of sequences can be joined by +. Evaluate on each task separately.");
        }
        return corpora;
    }

    private static Dataset<Row> examples(Warehouse warehouse, String task, String split, List<String> tasks) {
        return Examples.of(warehouse, task, split)
                .withColumn("example_id", Examples.id(tasks))
                .select(
                        "task",
                        "example_id",
                        "prompt_tokens",
                        "target_tokens",
                        "choices",
                        "label",
                        "right_choices",
                        "source",
                        "source_offset",
                        "source_part");
    }

    /** The sequences of corpora without padding, with ids that are distinct across the corpora. */
    static Dataset<Row> sequences(Warehouse warehouse, List<String> corpora, String split) {
        Dataset<Row> all = null;
        for (int i = 0; i < corpora.size(); i++) {
            Dataset<Row> rows = warehouse
                    .rows(UncurlTable.SEQUENCES, "corpus", corpora.get(i), "split", split)
                    .select(
                            col("corpus").as("task"),
                            col("sequence_id").multiply(corpora.size()).plus(i).as("example_id"),
                            functions.array().cast("array<int>").as("prompt_tokens"),
                            filter(col("tokens"), token -> token.geq(0)).as("target_tokens"),
                            lit(null).cast("array<array<int>>").as("choices"),
                            lit(null).cast("int").as("label"),
                            lit(null).cast("array<int>").as("right_choices"),
                            lit(0).as("source_part"));
            all = all == null ? rows : all.union(rows);
        }
        return all;
    }

    private record Broken(
            long exampleId,
            String source,
            Optional<Integer> label,
            Optional<List<Integer>> rightChoices,
            Optional<List<Integer>> choiceLengths) {}

    private static void requireSound(Dataset<Row> examples, String task, String split) {
        var first = examples.where(BROKEN)
                .withColumn("choice_lengths", expr("transform(choices, choice -> IF(choice IS NULL, 0, size(choice)))"))
                .orderBy("example_id")
                .limit(1);
        for (Broken row : Records.read(first, Broken.class)) {
            throw UserError.input(
                    "Example " + row.exampleId + " of " + task + " (" + split + ", from " + row.source
                            + ") cannot be scored: label "
                            + row.label.map(String::valueOf).orElse("none") + ", right choices "
                            + row.rightChoices.map(String::valueOf).orElse("none") + ", with "
                            + row.choiceLengths
                                    .map(lengths -> "choices of " + lengths + " tokens")
                                    .orElse("no choices"),
                    "Choices and the prompt need a token each, the label must be one of the right choices, and those among"
                            + " the choices. Tokenise the task again.");
        }
    }

    private static String promptVersion(Warehouse warehouse, String task, String split) {
        return Examples.of(warehouse, task, split).select("prompt_version").distinct().collectAsList().stream()
                .map(row -> row.getString(0))
                .sorted()
                .collect(Collectors.joining(", "));
    }
}
