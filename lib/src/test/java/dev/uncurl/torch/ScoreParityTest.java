package dev.uncurl.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.format.Corpora;
import dev.uncurl.evaluation.ExampleScorer;
import dev.uncurl.evaluation.Metric;
import dev.uncurl.model.SmoeLanguageModel;
import dev.uncurl.model.TokenBatch;
import dev.uncurl.model.WeightArrays;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeConfig;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import dev.uncurl.tokenizer.PromptTokens;
import dev.uncurl.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Log-likelihoods of the choices of real examples against libtorch, which computes each prompt and choice as a sequence of
 * its own. See {@link TorchParityTest} for profile {@code peer} and the recorded answers.
 */
@Tag("slow")
class ScoreParityTest {
    private static final double TOLERANCE = 1e-3;
    private static final int VOCABULARY = 8192;
    private static final int LENGTH = 256;
    private static final String NAME = "superglue.likelihoods";

    /** Short prompts and some that are cut; ids, lower-cased, name the task. */
    private static final Map<String, Integer> TASKS = new TreeMap<>(
            Map.of("BoolQ", 70, "CB", 24, "COPA", 60, "MultiRC", 16, "ReCoRD", 4, "RTE", 24, "WiC", 12, "WSC", 12));

    private static TorchRequest model() {
        var config = new ModelConfig(2, 32, 4, 64, VOCABULARY, LENGTH, new MoeConfig(4, 1, 2, false, 0, 0));
        float[] weights = WeightArrays.initial(config, 7);
        for (int i = 0; i < weights.length; i++) {
            weights[i] *= 6; // so that choices differ by more than the tolerance
        }
        var nothing = new TokenBatch(new int[] {0}, new int[] {0}, 1, 1);
        return new TorchRequest(config, weights, List.of(nothing), new TorchRequest.Optimizer(1, 1e-3, 1, 0, 1));
    }

    private static List<ExampleScorer.Example> examples() {
        Tokenizer tokenizer = Gpt2Tokenizer.of(VOCABULARY);
        var all = new ArrayList<ExampleScorer.Example>();
        TASKS.forEach((task, count) -> {
            List<Example> examples = Stream.of("val", "train")
                    .map(file -> "superglue/" + task + "/" + file + ".jsonl")
                    .map(file -> Corpora.read("superglue/" + task.toLowerCase(Locale.ROOT), file))
                    .flatMap(outcomes -> Corpora.only(Example.class, outcomes).stream())
                    .limit(count)
                    .toList();
            assertThat(examples).as(task).hasSize(count);
            for (Example example : examples) {
                var prompt = PromptTokens.of(tokenizer, example.inputs());
                List<int[]> choices =
                        example.choices().stream().map(prompt::continuation).toList();
                int[] right = choices.get(example.label());
                int[] target = Arrays.copyOf(right, right.length + 1);
                target[right.length] = tokenizer.endOfText();
                all.add(new ExampleScorer.Example(prompt.ids(), target, choices));
            }
        });
        return all;
    }

    /**
     * Each choice behind as much of the end of its prompt as fits if its last token is not read, as the peer's class
     * Likelihoods reads it.
     */
    private static byte[] sequences(List<ExampleScorer.Example> examples) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.writeInt(
                examples.stream().mapToInt(example -> example.choices().size()).sum());
        for (ExampleScorer.Example example : examples) {
            for (int[] choice : example.choices()) {
                int kept = Math.min(example.prompt().length, LENGTH + 1 - choice.length);
                out.writeInt(kept + choice.length);
                out.writeInt(kept);
                for (int i = example.prompt().length - kept; i < example.prompt().length; i++) {
                    out.writeInt(example.prompt()[i]);
                }
                for (int token : choice) {
                    out.writeInt(token);
                }
            }
        }
        return bytes.toByteArray();
    }

    private static byte[] answer(TorchRequest request, byte[] sequences) throws IOException {
        if (TorchPeer.isPresent()) {
            try (var peer = TorchPeer.start(1)) {
                byte[] answer = peer.likelihoods(request, sequences);
                String folder = System.getProperty("uncurl.peer.record");
                if (folder != null) {
                    Files.write(Path.of(folder, NAME), answer);
                }
                return answer;
            }
        }
        try (var in = ScoreParityTest.class.getResourceAsStream("/torch/" + NAME)) {
            assertThat(in).as("recorded answer torch/%s", NAME).isNotNull();
            return in.readAllBytes();
        }
    }

    @Test
    void everyChoiceOfEveryTaskHasTheLikelihoodOfLibtorch() throws IOException {
        TorchRequest request = model();
        List<ExampleScorer.Example> examples = examples();
        assertThat(examples).hasSizeGreaterThan(200);
        assertThat(examples).anyMatch(example -> example.prompt().length > LENGTH);
        byte[] sequences = sequences(examples);
        var expected = TorchPeer.checked(
                answer(request, sequences),
                request,
                "torch/" + NAME + " answers another question than this test asks: record it again, see"
                        + " lib/src/test/resources/torch/README.md");
        var crc = new CRC32();
        crc.update(sequences);
        assertThat(expected.readLong())
                .as("CRC-32 of the sequences that were scored")
                .isEqualTo(crc.getValue());
        List<ExampleScorer.Score> scores;
        int tokens = 4 * LENGTH;
        try (var model =
                SmoeLanguageModel.forScoring(request.config(), Nd4j.createFromArray(request.parameters()), tokens)) {
            scores = new ExampleScorer(model, LENGTH, tokens).score(examples);
        }
        var predictions = new HashSet<Integer>();
        for (int e = 0; e < scores.size(); e++) {
            double[] ours = scores.get(e).logLikelihoods();
            double[] theirs = new double[ours.length];
            for (int c = 0; c < ours.length; c++) {
                theirs[c] = expected.readDouble();
                assertThat(ours[c]).as("example %d, choice %d", e, c).isCloseTo(theirs[c], within(TOLERANCE));
            }
            assertThat(Metric.prediction(ours)).as("example %d", e).isEqualTo(Metric.prediction(theirs));
            assertThat(IntStream.range(0, ours.length)
                            .mapToDouble(c -> ours[c])
                            .distinct()
                            .count())
                    .isEqualTo(ours.length);
            predictions.add(Metric.prediction(ours));
        }
        assertThat(predictions).hasSizeGreaterThan(2);
        assertThat(expected.read()).as("end of the answer").isEqualTo(-1);
    }
}
