package dev.uncurl.jobs.sweep;

import dev.uncurl.jobs.cli.RecordedCommand;
import dev.uncurl.jobs.sweep.Cell.Protocol;
import dev.uncurl.jobs.sweep.Cell.Pruning;
import dev.uncurl.model.spec.DType;
import dev.uncurl.pruning.PlanSettings;
import java.util.ArrayList;
import java.util.List;

/** The prune command that makes the model of a cell by hand, which the model's manifest records. */
final class PruneLine {
    private static final int DIGITS = 12;

    private PruneLine() {}

    /** The name of a cell's model: the same in every sweep. */
    static String modelName(String parentId, Pruning pruning, String planId, Protocol protocol) {
        return parentId + "-" + pruning.settings().method().id() + "-"
                + pruning.settings().budget().keep() + "e-" + planId.substring(0, DIGITS) + "-"
                + pruning.router().id()
                + (protocol.align() ? "" : "-unaligned")
                + (protocol.dtype().equals(DType.F32.id()) ? "" : "-" + protocol.dtype());
    }

    /** @param warehouse the folder, as it was given */
    static String of(String parentId, Pruning pruning, Protocol protocol, String modelId, String warehouse) {
        PlanSettings settings = pruning.settings();
        var line = new ArrayList<>(
                List.of("prune", "--from", parentId, "--task", pruning.madeOn().name()));
        line.addAll(List.of(
                "--split",
                protocol.routingSplit(),
                "--method",
                settings.method().id()));
        line.addAll(List.of("--weights", settings.weights().id()));
        line.addAll(List.of("--experts", Integer.toString(settings.budget().keep())));
        line.addAll(List.of("--budget", settings.budget().sharing().id()));
        if (settings.budget().maxCluster() > 0) {
            line.addAll(
                    List.of("--max-cluster", Integer.toString(settings.budget().maxCluster())));
        }
        line.addAll(List.of(
                "--seed",
                Long.toString(settings.seed()),
                "--router",
                pruning.router().id()));
        line.addAll(List.of("--align", protocol.align() ? "on" : "off", "--dtype", protocol.dtype()));
        line.addAll(List.of("--model", modelId, "--warehouse", warehouse));
        return RecordedCommand.of(line);
    }
}
