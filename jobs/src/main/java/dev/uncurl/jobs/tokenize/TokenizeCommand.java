package dev.uncurl.jobs.tokenize;

import dev.uncurl.config.Range;
import dev.uncurl.error.UserError;
import dev.uncurl.jobs.cli.ConfigOptions;
import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.cli.WarehouseOptions;
import dev.uncurl.jobs.output.TextTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code jobs/submit tokenize --config tokenize/demo}. */
@Command(
        name = "tokenize",
        description = "Reads CC100, mC4, FLAN and SuperGLUE files into the tables of corpora.",
        footer = {"", "  jobs/submit tokenize --config tokenize/demo --set max-rejected=0.05"})
public final class TokenizeCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(names = "--replace", description = "Replace a corpus that was made from other inputs.")
    private boolean replace;

    @Option(
            names = "--max-rejected",
            paramLabel = "SHARE",
            description =
                    "Largest share of rejected documents of a corpus; overrides max-rejected of the configuration.")
    private Double maxRejected;

    @Option(
            names = "--max-damaged-files",
            paramLabel = "N",
            description = "Largest number of damaged or truncated files of a corpus; overrides max-damaged-files of the"
                    + " configuration.")
    private Integer maxDamagedFiles;

    @Option(
            names = "--partitions",
            paramLabel = "N",
            defaultValue = "10000",
            description =
                    "Largest number of Spark tasks; a task reads one or more files or blocks. The rows do not depend on"
                            + " it.")
    private int partitions;

    @Option(
            names = "--estimate",
            description =
                    "Estimate the numbers of documents, tokens and bytes from samples of the files; write nothing.")
    private boolean estimate;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        checkOptions();
        TokenizeConfig config = configOptions.bind(TokenizeConfig.class);
        if (configOptions.onlyPrint()) {
            return 0;
        }
        double ceiling = maxRejected == null ? config.maxRejected() : maxRejected;
        if (maxDamagedFiles != null) {
            config = config.withMaxDamagedFiles(maxDamagedFiles);
        }
        IdleSettings.of(config).forEach(System.out::println);
        var tokenization =
                new Tokenization(warehouseOptions.open(), config, ceiling, partitions, RecordedCommand.of(spec));
        if (estimate) {
            var lines = new ArrayList<Object[]>();
            tokenization
                    .estimate()
                    .forEach(corpus -> lines.add(new Object[] {
                        corpus.corpus(),
                        corpus.documents(),
                        corpus.tokens(),
                        corpus.rows(),
                        corpus.bytes(),
                        corpus.sampled()
                    }));
            System.out.print(
                    TextTable.of(List.of("corpus", "documents", "tokens", "rows", "bytes", "share sampled"), lines));
            return 0;
        }
        tokenization.run(replace);
        return 0;
    }

    private void checkOptions() {
        Range.PARTITIONS_OPTION.check(partitions);
        if (maxRejected != null) {
            Range.MAX_REJECTED_OPTION.check(maxRejected);
        }
        if (maxDamagedFiles != null) {
            Range.MAX_DAMAGED_FILES_OPTION.check(maxDamagedFiles);
        }
        if (estimate && (replace || maxRejected != null)) {
            throw UserError.usage(
                    "--estimate writes nothing, so " + (replace ? "--replace" : "--max-rejected") + " has no effect",
                    "Leave one of them out.");
        }
    }
}
