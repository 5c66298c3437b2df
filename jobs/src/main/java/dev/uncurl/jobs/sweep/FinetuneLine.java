package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.train.TaskFinetuning.Recipe;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.commons.codec.digest.DigestUtils;

/** The finetune command that makes the finetuned model of a cell by hand, which the model's manifest records. */
final class FinetuneLine {
    private static final int DIGITS = 8;

    private FinetuneLine() {}

    /** The name of a cell's finetuned model: the same in every sweep. @param start the model that it is made from */
    static String modelName(String start, Cell cell) {
        Recipe recipe = cell.recipe().orElseThrow();
        String model = cell.pruning().isEmpty() ? cell.model().sha256() : ""; // the plan's id has it
        String from = String.join("\n", cell.task().name(), cell.task().data(), recipe.sha256(), model);
        String hash =
                DigestUtils.sha256Hex(from.getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
        String name = recipe.name().replaceAll(".*/|\\.conf$", "").replaceAll("[^A-Za-z0-9._-]", "-");
        return start + "-" + name + "-s" + recipe.train().seed() + "-" + hash;
    }

    /** @param warehouse the folder, as it was given */
    static String of(String start, String name, Cell cell, String warehouse) {
        Recipe recipe = cell.recipe().orElseThrow();
        return RecordedCommand.of(List.of(
                "finetune",
                "--from",
                start,
                "--task",
                cell.task().name(),
                "--config",
                recipe.name(),
                "--set",
                "train.seed=" + recipe.train().seed(),
                "--model",
                name,
                "--warehouse",
                warehouse));
    }
}
