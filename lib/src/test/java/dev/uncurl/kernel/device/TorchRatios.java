package dev.uncurl.kernel.device;

import dev.uncurl.kernel.device.CheckTable.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Tokens per second in bfloat16 as a part of those of PyTorch, from the medians of {@link StepBench} and {@code torch_step.py}. */
final class TorchRatios {
    /** What the ratio is to be at least, by PyTorch's mode: as it is called, and with its compiler. */
    private static final Map<String, Double> BARS = Map.of("bf16-grouped", 1.25, "bf16-grouped-compiled", 1.0);

    /** What StepBench and torch_step.py call the same pass. */
    private static final Map<String, String> PASSES = Map.of("training step", "step", "scoring pass", "forward");

    private TorchRatios() {}

    /** A row for each pair of rows. */
    static List<Row> of(List<Row> rows) {
        var ratios = new ArrayList<Row>();
        for (Row uncurl : rows) {
            String pass = PASSES.get(uncurl.what());
            if (pass != null && uncurl.part().startsWith("BF16")) {
                rows.stream().filter(torch -> bar(torch, pass) != null).forEach(torch -> {
                    double ratio = Double.parseDouble(torch.value()) / Double.parseDouble(uncurl.value());
                    ratios.add(new Row(
                            uncurl.part() + " / PyTorch",
                            torch.what(),
                            String.format(Locale.ROOT, "%.3f", ratio),
                            "of its tokens/s",
                            "bar: " + bar(torch, pass)));
                });
            }
        }
        return ratios;
    }

    /** Null for rows of anything else. */
    private static Double bar(Row torch, String pass) {
        String end = " " + pass;
        return torch.part().equals("PyTorch") && torch.what().endsWith(end)
                ? BARS.get(torch.what().substring(0, torch.what().length() - end.length()))
                : null;
    }
}
