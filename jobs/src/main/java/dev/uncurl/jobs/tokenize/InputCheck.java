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

/** Looks at the beginning of every file before any is read, so that a file that is no text is refused at once. */
final class InputCheck {
    private static final int TASKS_PER_CORE = 4;

    private record Look(UserError userError) implements Serializable {}

    private InputCheck() {}

    /**
     * Opens each file of the corpora.
     *
     * @throws UserError (input) of the first file, in their order, that is no text, with the number of others
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
                .map(file -> look(file, hadoop.value()))
                .collect()
                .stream()
                .map(Look::userError)
                .filter(Objects::nonNull)
                .toList();
        if (!userErrors.isEmpty()) {
            throw userErrors.size() == 1
                    ? userErrors.get(0)
                    : userErrors
                            .get(0)
                            .at(String.format(
                                    Locale.ROOT, "%,d of %,d files are no text", userErrors.size(), files.size()));
        }
    }

    private static Look look(String file, Configuration hadoop) throws IOException {
        try {
            CorpusFiles.open(hadoop, file).close();
            return new Look(null);
        } catch (UserError e) {
            return new Look(e);
        }
    }
}
