package dev.uncurl.jobs.tokenize;

import dev.uncurl.corpus.io.CorpusFiles;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.io.IOException;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.util.SerializableConfiguration;

/** Checks the beginning of every file before any file is read, so that a run fails early if a file is not text. */
final class InputCheck {
    private static final int TASKS_PER_CORE = 4;

    private record Result(UserError userError) implements Serializable {}

    private InputCheck() {}

    /**
     * Opens each file of the corpora.
     *
     * @throws UserError (input) for the first file that is not text, with the number of such files
     */
    static void run(Warehouse warehouse, List<CorpusPlan> plans) {
        List<String> files = plans.stream()
                .flatMap(plan -> plan.sources().stream())
                .distinct()
                .toList();
        var hadoop =
                new SerializableConfiguration(warehouse.spark().sparkContext().hadoopConfiguration());
        warehouse.describe("tokenize: look at the files");
        List<UserError> userErrors = warehouse
                .context()
                .parallelize(
                        files,
                        Math.min(
                                files.size(),
                                TASKS_PER_CORE * warehouse.context().defaultParallelism()))
                .map(file -> check(file, hadoop.value()))
                .collect()
                .stream()
                .map(Result::userError)
                .filter(Objects::nonNull)
                .toList();
        if (!userErrors.isEmpty()) {
            throw userErrors.size() == 1
                    ? userErrors.get(0)
                    : userErrors
                            .get(0)
                            .at(String.format(
                                    Locale.ROOT, "%,d of %,d files are not text", userErrors.size(), files.size()));
        }
    }

    private static Result check(String file, Configuration hadoop) throws IOException {
        try {
            CorpusFiles.open(hadoop, file).close();
            return new Result(null);
        } catch (UserError e) {
            return new Result(e);
        }
    }
}
