package dev.uncurl.jobs.cli;

import dev.uncurl.error.DeviceFailedException;
import dev.uncurl.error.UserError;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Explains failures of executors that are processes of their own, which reach the driver as text in Spark's exceptions. */
final class ClusterFailures {
    private static final Pattern LOST =
            Pattern.compile("ExecutorLostFailure \\(executor (\\S+) exited[^)]*\\) Reason: (.*)");

    /** Spark names host and executor before the exception; in local mode the executor is "driver". */
    private static final Pattern OUT_OF_MEMORY =
            Pattern.compile("\\((\\S+) executor ((?!driver)\\S+)\\): java\\.lang\\.OutOfMemoryError: ?(.*)");

    private static final Pattern DEVICE =
            Pattern.compile(Pattern.quote(DeviceFailedException.class.getName()) + ": (.*)");

    private static final Pattern SLOTS = Pattern.compile(
            "barrier stage that requires more slots than the total number of slots in the cluster currently");

    private static final Pattern EXIT_CODE = Pattern.compile("code (?:= )?(\\d+)");

    /** Exit code of an executor whose Java heap is full. */
    private static final String HEAP_FULL = "52";

    /** 128 + the signal that a process cannot catch. */
    private static final String KILLED = "137";

    private ClusterFailures() {}

    /**
     * Explains a failure.
     *
     * @param causes the outermost first
     * @param setting the value of a Spark property, or of its default
     */
    static Optional<UserError> userError(List<Throwable> causes, UnaryOperator<String> setting) {
        for (Throwable cause : causes) {
            String text = String.valueOf(cause.getMessage());
            Matcher memory = OUT_OF_MEMORY.matcher(text);
            if (memory.find()) {
                return Optional.of(outOfMemory(memory, cause, setting));
            }
            Matcher device = DEVICE.matcher(text);
            if (device.find()) {
                return Optional.of(deviceFailed(device.group(1), cause));
            }
            Matcher lost = LOST.matcher(text);
            if (lost.find()) {
                return Optional.of(lost(lost.group(1), lost.group(2), cause, setting));
            }
            if (SLOTS.matcher(text).find()) {
                return Optional.of(UserError.usage(
                        "The cluster has too few free slots for all ranks to run at the same time: "
                                + text.strip().lines().findFirst().orElse(""),
                        "Wait for lost executors to be replaced, or set train.ranks to fewer or to auto; jobs/submit"
                                + " verify cluster prints what there is.",
                        cause));
            }
        }
        return Optional.empty();
    }

    private static UserError outOfMemory(Matcher memory, Throwable cause, UnaryOperator<String> setting) {
        String what = memory.group(3).strip();
        boolean offHeap = what.contains("physicalBytes") || what.contains("totalBytes");
        return UserError.usage(
                "Out of memory in executor " + memory.group(2) + " on " + memory.group(1) + ": " + what,
                offHeap
                        ? "Raise -Dorg.bytedeco.javacpp.maxbytes in spark.executor.extraJavaOptions (now: "
                                + setting.apply("spark.executor.extraJavaOptions")
                                        .replaceAll("(?s).*?(maxbytes=\\S+).*|.*", "$1")
                                + "), or make the batch smaller."
                        : heap(setting),
                cause);
    }

    /** @param what the message of a {@link DeviceFailedException} */
    static UserError deviceFailed(String what, Throwable cause) {
        return UserError.input(
                what.strip(),
                "Run the same command again: it continues. If it fails there again, choose another GPU by CUDA_VISIBLE_DEVICES, or"
                        + " set spark.uncurl.device to cpu.",
                cause);
    }

    private static String heap(UnaryOperator<String> setting) {
        return "An executor's Java heap has spark.executor.memory = " + setting.apply("spark.executor.memory")
                + " for " + setting.apply("spark.executor.cores")
                + " cores. Give it more, or fewer cores, so that fewer tasks"
                + " share it.";
    }

    private static UserError lost(String executor, String reason, Throwable cause, UnaryOperator<String> setting) {
        Matcher code = EXIT_CODE.matcher(reason);
        String exit = code.find() ? code.group(1) : "";
        return switch (exit) {
            case HEAP_FULL -> UserError.usage(
                    "Executor " + executor + " ran out of Java heap (exit code 52)", heap(setting), cause);
            case KILLED -> UserError.input(
                    "Executor " + executor + " was killed (exit code 137), and so were those that replaced it",
                    "If its machine ran out of memory (its log of the kernel says so), lower spark.executor.memory"
                            + " (now "
                            + setting.apply("spark.executor.memory")
                            + ") or -Dorg.bytedeco.javacpp.maxbytes, or run fewer executors there. Then run the same"
                            + " command again: it continues.",
                    cause);
            default -> UserError.input(
                    "Executor " + executor + " was lost, and so were those that replaced it: " + reason.strip(),
                    "See its log (work/app-*/" + executor + "/stderr on a standalone worker), and raise"
                            + " spark.task.maxFailures (now " + setting.apply("spark.task.maxFailures")
                            + ") if machines come and go. Then run the same command again: it continues.",
                    cause);
        };
    }
}
