package dev.uncurl.jobs;

import dev.uncurl.config.TokenizeConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jobs/submit tokenize --config tokenize/demo}. */
@Command(
        name = "tokenize",
        description = "Reads CC100, mC4, FLAN and SuperGLUE files into corpus.sequences and corpus.examples.",
        footer = {"", "  jobs/submit tokenize --config tokenize/demo --set max-rejected=0.05"})
final class TokenizeCommand implements Callable<Integer> {
    @Mixin
    private WarehouseOptions warehouseOptions;

    @Mixin
    private ConfigOptions configOptions;

    @Option(names = "--replace", description = "Replace a corpus that was made from other inputs.")
    private boolean replace;

    @Override
    public Integer call() {
        TokenizeConfig config = configOptions.bind(TokenizeConfig.class);
        if (configOptions.onlyPrint()) {
            return 0;
        }
        var tokenization = new Tokenization(warehouseOptions.open(), config);
        var files = tokenization.files();
        config.corpora().forEach(corpus -> tokenization.run(corpus, files.get(corpus.name()), replace));
        return 0;
    }
}
