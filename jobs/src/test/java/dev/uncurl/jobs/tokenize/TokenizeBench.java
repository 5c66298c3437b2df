package dev.uncurl.jobs.tokenize;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.EncodingType;
import dev.uncurl.corpus.Document;
import dev.uncurl.corpus.format.CorpusFormat;
import dev.uncurl.jobs.HuggingFaceJson;
import dev.uncurl.jobs.warehouse.Warehouse;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

/**
 * {@code mvn -pl lib,jobs test -Dtest=TokenizeBench -Dsurefire.failIfNoSpecifiedTests=false -Dbench.path=DIR
 * -Dbench.megabytes=50}: the speed of tokenising plain CC100 files, all in one run: jtokkit alone on one thread, Uncurl's tokenizer alone, Hugging Face's Rust tokenizer, and the
 * whole job (reading, packing, shuffle, Parquet, commit) on one and on two cores and from 5 to 50 MB. Peers get the same
 * documents. Everything runs once to warm up; the best of {@link #REPEATS} counts.
 */
final class TokenizeBench {
    private static final int REPEATS = 3;
    private static final int[] SIZES_MB = {5, 10, 20, 50};

    private static int runs;

    private interface Timed {
        /** Seconds that it took. */
        double run() throws IOException;
    }

    /** Named so that only whoever asks for it by name runs it. */
    @Test
    void bench() throws IOException {
        main();
    }

    public static void main(String... arguments) throws IOException {
        String named = System.getProperty("bench.path", TokenizeFixture.data("cc100"));
        Path source = Path.of(arguments.length > 0 ? arguments[0] : named);
        int largest = arguments.length > 1 ? Integer.parseInt(arguments[1]) : Integer.getInteger("bench.megabytes", 50);
        Path folder = Files.createTempDirectory("tokenize-bench");
        try {
            var data = new LinkedHashMap<Integer, Path>();
            for (int size : SIZES_MB) {
                if (size <= largest) {
                    data.put(size, gather(source, folder.resolve("data-" + size), size));
                }
            }
            run(folder, data, largest);
        } finally {
            try (Stream<Path> all = Files.walk(folder)) {
                all.sorted(Comparator.reverseOrder())
                        .forEach(path -> path.toFile().delete());
            }
        }
    }

    private static void run(Path folder, Map<Integer, Path> data, int largest) throws IOException {
        List<String> documents = documents(data.get(largest));
        double megabytes = bytes(data.get(largest)) / 1e6;
        System.out.printf(
                Locale.ROOT,
                "%.1f MB, %,d documents, %s, %d cores, heap at most %d MB%n",
                megabytes,
                documents.size(),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.version"),
                Runtime.getRuntime().availableProcessors(),
                Runtime.getRuntime().maxMemory() >> 20);
        var jtokkit = Encodings.newDefaultEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
        double alone = megabytes / best((Runnable) () -> documents.forEach(jtokkit::encodeOrdinary));
        print("jtokkit alone, one thread", alone, "");
        int threads = Math.min(2, Runtime.getRuntime().availableProcessors());
        double together = megabytes
                / best((Runnable) () -> IntStream.range(0, threads).parallel().forEach(thread -> {
                    for (int i = thread; i < documents.size(); i += threads) {
                        jtokkit.encodeOrdinary(documents.get(i));
                    }
                }));
        print(
                "jtokkit alone, " + threads + " threads",
                together,
                String.format(Locale.ROOT, "%.0f%% of threads x one thread", 100 * together / (threads * alone)));
        var own = Gpt2Tokenizer.full();
        print(
                "Uncurl's tokenizer alone, one thread",
                megabytes / best((Runnable) () -> documents.forEach(own::encode)),
                "");
        double rust = huggingFace(folder, documents, megabytes);
        documents.clear();
        resetPeak();
        for (int cores = 1; cores <= Math.min(2, Runtime.getRuntime().availableProcessors()); cores++) {
            SparkSession spark = spark(cores);
            for (var entry : data.entrySet()) {
                if (cores == 1 && entry.getKey() != largest) {
                    continue;
                }
                double size = bytes(entry.getValue()) / 1e6;
                Path path = entry.getValue();
                double rate = size / best((Timed) () -> job(folder, path));
                print(
                        String.format(Locale.ROOT, "whole job, %d core(s), %.1f MB", cores, size),
                        rate,
                        String.format(
                                Locale.ROOT,
                                "%.0f%% of cores x jtokkit, %.1f x Hugging Face",
                                100 * rate / (cores * alone),
                                rate / rust));
            }
            spark.stop();
        }
        System.out.printf(Locale.ROOT, "peak heap during the jobs: %.0f MB%n", peak() / 1e6);
    }

    private static void print(String what, double rate, String more) {
        System.out.printf(Locale.ROOT, "%-40s %8.1f MB/s   %s%n", what, rate, more);
        System.out.flush();
    }

    private static double best(Runnable work) throws IOException {
        return best((Timed) () -> {
            long start = System.nanoTime();
            work.run();
            return (System.nanoTime() - start) / 1e9;
        });
    }

    private static double best(Timed work) throws IOException {
        double best = Double.MAX_VALUE;
        for (int i = 0; i <= REPEATS; i++) {
            double seconds = work.run();
            best = i > 0 ? Math.min(best, seconds) : best;
        }
        return best;
    }

    private static double huggingFace(Path folder, List<String> documents, double megabytes) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        Files.writeString(file, HuggingFaceJson.gpt2());
        var options = Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");
        try (var tokenizer = HuggingFaceTokenizer.newInstance(file, options)) {
            var own = Gpt2Tokenizer.full();
            for (String document : documents.subList(0, Math.min(50, documents.size()))) {
                long[] ids = tokenizer.encode(document).getIds();
                int[] same = own.encode(document);
                for (int i = 0; i < Math.max(same.length, ids.length); i++) {
                    if (same.length != ids.length || ids[i] != same[i]) {
                        throw new IllegalStateException("Hugging Face gives other ids than jtokkit");
                    }
                }
            }
            // the comparison above has warmed it up; it is slow enough for one time to do
            long start = System.nanoTime();
            documents.forEach(document -> tokenizer.encode(document).getIds());
            double rate = megabytes / ((System.nanoTime() - start) / 1e9);
            print("Hugging Face (Rust), document by document", rate, "");
            return rate;
        }
    }

    private static SparkSession spark(int cores) {
        return SparkSession.builder()
                .master("local[" + cores + "]")
                .appName("bench")
                .config("spark.ui.enabled", "false")
                .config("spark.sql.shuffle.partitions", "4")
                .getOrCreate();
    }

    /** The job without the making of an empty warehouse's tables. */
    private static double job(Path folder, Path data) throws IOException {
        SparkSession.setActiveSession(SparkSession.active().newSession());
        Warehouse warehouse =
                Warehouse.open(folder.resolve("warehouse" + runs++).toString());
        TokenizeConfig config = TokenizeFixture.config(
                folder,
                TokenizeFixture.corpus("text", "cc100", data.toString()),
                "vocabulary=50257",
                "sequence-length=1024",
                "block-bytes=4194304");
        long start = System.nanoTime();
        TokenizeFixture.tokenize(warehouse, config, 10_000);
        return (System.nanoTime() - start) / 1e9;
    }

    private static List<String> documents(Path data) throws IOException {
        var documents = new ArrayList<String>();
        try (Stream<Path> files = Files.list(data)) {
            for (Path file : files.sorted().toList()) {
                try (var reader = CorpusFormat.of("cc100").open(new Configuration(), file.toString())) {
                    while (reader.hasNext()) {
                        if (reader.next() instanceof Document document) {
                            documents.add(document.text());
                        }
                    }
                }
            }
        }
        return documents;
    }

    /** Plain files of a folder, over and over, until there are that many megabytes; in files of up to 5 MB. */
    private static Path gather(Path source, Path target, int megabytes) throws IOException {
        Files.createDirectories(target);
        List<Path> files;
        try (Stream<Path> all = Files.list(source)) {
            files = all.filter(file -> file.toString().endsWith(".txt"))
                    .sorted()
                    .toList();
        }
        long wanted = megabytes * 1_000_000L;
        int part = 0;
        while (wanted > 0) {
            for (Path file : files) {
                byte[] bytes = Files.readAllBytes(file);
                int length = (int) Math.min(wanted, bytes.length);
                while (length > 0 && length < bytes.length && bytes[length - 1] != '\n') {
                    length--;
                }
                try (OutputStream out = Files.newOutputStream(target.resolve(String.format("%04d.txt", part++)))) {
                    out.write(bytes, 0, length);
                    out.write("\n".getBytes(StandardCharsets.UTF_8));
                }
                wanted -= bytes.length;
                if (wanted <= 0) {
                    break;
                }
            }
        }
        return target;
    }

    private static long bytes(Path data) throws IOException {
        try (Stream<Path> files = Files.list(data)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }

    private static void resetPeak() {
        System.gc();
        ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
    }

    private static long peak() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> pool.getType() == MemoryType.HEAP)
                .mapToLong(pool -> pool.getPeakUsage().getUsed())
                .sum();
    }
}
