package dev.uncurl.jobs.evaluate;

import dev.uncurl.collective.Collectives;
import dev.uncurl.evaluation.Latency;
import dev.uncurl.evaluation.PassTimes;
import dev.uncurl.jobs.cluster.RankStage;
import dev.uncurl.jobs.cluster.TaskProcessor;
import dev.uncurl.jobs.spark.ExecutorTurns;
import dev.uncurl.jobs.warehouse.DividedModel;
import dev.uncurl.jobs.warehouse.ModelCache;
import dev.uncurl.model.OnProcessor;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.processor.Processor;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;

/**
 * Times models in one process. They are loaded first and held together, beside {@link ModelCache}, which keeps fewer.
 *
 * @param configs of the models, for the check of memory before they are loaded
 */
record LatencyTask(List<ModelCache.Source> models, List<ModelConfig> configs, List<Latency.Setting> settings)
        implements ExecutorTurns.Work<LatencyTask.Outcome> {
    private static final Path CPU = Path.of("/proc/cpuinfo");

    /**
     * What one process measured.
     *
     * @param executor Spark's id of the process
     * @param times by setting and model, in the orders of the task
     */
    record Outcome(String executor, String host, String cpu, int threads, List<List<PassTimes>> times)
            implements Serializable {}

    @Override
    public Outcome get() throws IOException {
        Latency.checkMemory(configs, settings);
        List<Latency.Model> loaded = models.stream()
                .map(ModelCache.Source::load)
                .map(model -> new Latency.Model(model.config(), model.parameters()))
                .toList();
        long tokens = settings.stream().mapToLong(Latency.Setting::tokens).max().orElseThrow();
        try (Processor processor = TaskProcessor.open()) {
            if (!processor.isHost()) {
                return onDevice(processor, loaded, (int) tokens);
            }
        }
        try (var latency = new Latency(loaded, (int) tokens)) {
            return measure(latency, cpu());
        }
    }

    private Outcome onDevice(Processor processor, List<Latency.Model> loaded, int tokens) {
        var copies = new ArrayList<SmoeLanguageModel>();
        try {
            for (Latency.Model model : loaded) {
                copies.add(OnProcessor.forScoring(processor, model.config(), model.parameters(), tokens));
            }
            try (var latency = new Latency(copies)) {
                return measure(latency, processor.kind());
            }
        } finally {
            copies.forEach(SmoeLanguageModel::close);
        }
    }

    /** @param chip name of what computes */
    private Outcome measure(Latency latency, String chip) {
        var times = new ArrayList<List<PassTimes>>();
        for (Latency.Setting setting : settings) {
            times.add(new ArrayList<>(latency.measure(setting)));
        }
        SparkEnv spark = SparkEnv.get();
        String host = spark.blockManager().blockManagerId().host();
        return new Outcome(spark.executorId(), host, chip, latency.threads(), times);
    }

    /** A rank of those that divide the experts of the models: each times the same passes, which all compute at the same time. */
    record Divided(LatencyTask task, int expertParallel, int slots)
            implements RankStage.Work<Integer, Integer, Outcome> {
        @Override
        public Iterator<Integer> units(Iterator<Integer> rows) {
            return rows;
        }

        @Override
        public Outcome run(Collectives ranks, Iterator<Integer> units) throws IOException {
            int tokens = (int) task.settings.stream()
                    .mapToLong(Latency.Setting::tokens)
                    .max()
                    .orElseThrow();
            var models = new ArrayList<DividedModel>();
            try {
                for (ModelCache.Source source : task.models) {
                    var division = new DividedModel.Division(source, expertParallel, slots);
                    models.add(division.load(ranks, config -> tokens));
                }
                try (var latency =
                        new Latency(models.stream().map(DividedModel::model).toList())) {
                    return task.measure(latency, models.get(0).device().orElse(cpu()));
                }
            } finally {
                models.forEach(DividedModel::close);
            }
        }
    }

    /** The processor's name as Linux has it; its architecture where there is none. */
    private static String cpu() throws IOException {
        if (Files.isReadable(CPU)) {
            try (Stream<String> lines = Files.lines(CPU)) {
                var name = lines.filter(line -> line.startsWith("model name"))
                        .map(line -> line.replaceFirst("[^:]*:\\s*", ""))
                        .findFirst();
                if (name.isPresent()) {
                    return name.get();
                }
            }
        }
        return System.getProperty("os.arch");
    }
}
