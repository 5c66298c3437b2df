package dev.uncurl.peer;

import static org.bytedeco.pytorch.global.torch.get_cpu_capability;
import static org.bytedeco.pytorch.global.torch.get_num_threads;
import static org.bytedeco.pytorch.global.torch.log_softmax;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;

/**
 * Answers commands, one a line on standard input, with one line each on standard output; {@code dev.uncurl.torch.TorchPeer}
 * in the tests of lib starts it and talks to it. Built by {@code mvn -Ppeer}, which writes its class path to
 * {@code lib/peer/target/classpath}:
 *
 * <pre>
 * OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 \
 *   MALLOC_TOP_PAD_=268435456 java -cp lib/peer/target/classes:$(cat lib/peer/target/classpath) dev.uncurl.peer.Peer
 * </pre>
 *
 * It first prints {@code ready}, the number of threads and the instruction set. A request is a file, see
 * {@link Request}; an answer is a file by {@link DataOutputStream} that begins with the request's CRC-32 as a long.
 *
 * <pre>
 * gradient REQUEST ANSWER   first batch: double crossEntropy, balance, z, total;
 *                           float logProbabilities[N * V], gradients[] in the order of the request's tensors
 * weights REQUEST ANSWER    one training step per learning rate, step i on batch i modulo their number: float weights[]
 * losses REQUEST ANSWER     the same steps: double total[steps], each before its update
 * likelihoods REQUEST SEQUENCES ANSWER   long CRC-32 of the sequences, double logLikelihoods[], see {@link Likelihoods}
 * load REQUEST              keeps the model, to be timed
 * train COUNT               that many training steps (forward, backward, clip, AdamW), going on where the last ended
 * score COUNT               that many forward passes without a graph
 * quit
 * </pre>
 *
 * {@code train} and {@code score} answer {@code ms} and the milliseconds of each step; the others {@code done}. The
 * number of threads and the allocator's settings are the environment's. A failure ends the program with its trace.
 */
public final class Peer {
    private final PrintStream out;
    private Training loaded;
    /** Holds the loaded model's memory, so that the next one need not wait for a garbage collection. */
    private PointerScope memory;

    private int position;

    private Peer(PrintStream out) {
        this.out = out;
    }

    public static void main(String[] arguments) throws IOException {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("ready " + get_num_threads() + " threads, "
                + get_cpu_capability().getString());
        var peer = new Peer(out);
        try (var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = in.readLine(); line != null && !line.equals("quit"); line = in.readLine()) {
                peer.answer(line.split(" "));
            }
        }
    }

    private void answer(String[] words) throws IOException {
        switch (words[0]) {
            case "gradient", "weights", "losses" -> {
                try (var scope = new PointerScope()) {
                    write(words[0], Request.read(Path.of(words[1])), Path.of(words[2]));
                }
                out.println("done");
            }
            case "likelihoods" -> {
                try (var scope = new PointerScope();
                        var file = new DataOutputStream(
                                new BufferedOutputStream(Files.newOutputStream(Path.of(words[3]))))) {
                    Request request = Request.read(Path.of(words[1]));
                    file.writeLong(request.checksum());
                    Likelihoods.write(request, Path.of(words[2]), file);
                }
                out.println("done");
            }
            case "load" -> {
                if (memory != null) {
                    memory.close();
                }
                memory = new PointerScope();
                loaded = new Training(Request.read(Path.of(words[1])));
                position = 0;
                out.println("done");
            }
            case "train" -> out.println(time(Integer.parseInt(words[1]), () -> loaded.step(position++)));
            case "score" -> out.println(time(Integer.parseInt(words[1]), () -> loaded.score(position++)));
            default -> throw new IllegalArgumentException("There is no command " + words[0]);
        }
    }

    private static String time(int count, Runnable step) {
        var line = new StringBuilder("ms");
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            step.run();
            line.append(' ').append((System.nanoTime() - start) / 1e6);
        }
        return line.toString();
    }

    private static void write(String command, Request request, Path answer) throws IOException {
        var training = new Training(request);
        try (var file = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(answer)))) {
            file.writeLong(request.checksum());
            if (command.equals("gradient")) {
                writeGradient(training, request, file);
                return;
            }
            for (int step = 0; step < request.rates().length; step++) {
                double loss = training.step(step);
                if (command.equals("losses")) {
                    file.writeDouble(loss);
                }
            }
            if (command.equals("weights")) {
                write(file, new ArrayList<>(request.parameters().values()));
            }
        }
    }

    private static void writeGradient(Training training, Request request, DataOutputStream file) throws IOException {
        Decoder.Result result = training.backward(request.batches()[0]);
        for (Tensor loss : List.of(result.crossEntropy(), result.balance(), result.z(), result.total())) {
            file.writeDouble(loss.item_float());
        }
        try (var plain = new AutoGradMode(false)) {
            write(file, List.of(log_softmax(result.logits(), 1)));
        }
        write(file, request.parameters().values().stream().map(Tensor::grad).toList());
    }

    private static void write(DataOutputStream file, List<Tensor> tensors) throws IOException {
        for (Tensor tensor : tensors) {
            float[] values = new float[Math.toIntExact(tensor.numel())];
            tensor.contiguous().data_ptr_float().get(values);
            for (float value : values) {
                file.writeFloat(value);
            }
        }
    }
}
