package dev.uncurl.kernel.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckTableTest {
    @Test
    void rowsOfSeveralProcessesMakeOneTableAndOneJson(@TempDir Path folder) throws Exception {
        new CheckTable(folder).add("fp32", "attention", 2.25e-7, "of the norm", "ok");
        Files.writeString(folder.resolve("own"), "");
        new CheckTable(folder).add(new CheckTable.Row("races", "racecheck", "0", "", "say \"ok\" \\ here"));
        var table = new CheckTable(folder);
        assertThat(CheckTable.text(table.rows()))
                .isEqualTo("part   what           value  unit         note\n"
                        + "fp32   attention  2.250e-07  of the norm  ok\n"
                        + "races  racecheck          0               say \"ok\" \\ here\n");
        table.finish();
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("gpu-check.json").toFile());
        assertThat(json).hasSize(2);
        assertThat(json.get(0).get("value").asDouble()).isEqualTo(2.25e-7);
        assertThat(json.get(0).get("value").isNumber()).isTrue();
        assertThat(json.get(1).get("note").asText()).isEqualTo("say \"ok\" \\ here");
    }

    @Test
    void runsInBfloat16AreComparedWithPyTorch(@TempDir Path folder) throws Exception {
        var table = new CheckTable(folder);
        table.add("BF16", "training step", 80, "ms", "");
        table.add("BF16", "step: adam_w", 8, "ms", "");
        table.add("BF16", "scoring pass", 25, "ms", "");
        table.add("PyTorch", "bf16-grouped step", 120, "ms", "");
        table.add("PyTorch", "bf16-grouped forward", 40, "ms", "");
        table.add("PyTorch", "bf16-grouped-compiled step", 90, "ms", "");
        table.add("BF16-again", "training step", 96, "ms", "");
        table.add("FP32", "training step", 500, "ms", "");
        table.add("PyTorch", "fp32 step", 520, "ms", "");
        table.finish();
        JsonNode json =
                new ObjectMapper().readTree(folder.resolve("gpu-check.json").toFile());
        assertThat(json)
                .extracting(row -> String.join(
                        "|",
                        row.get("part").asText(),
                        row.get("what").asText(),
                        row.get("value").asText(),
                        row.get("note").asText()))
                .hasSize(14)
                .endsWith(
                        "BF16 / PyTorch|bf16-grouped step|1.5|bar: 1.25",
                        "BF16 / PyTorch|bf16-grouped-compiled step|1.125|bar: 1.0",
                        "BF16 / PyTorch|bf16-grouped forward|1.6|bar: 1.25",
                        "BF16-again / PyTorch|bf16-grouped step|1.25|bar: 1.25",
                        "BF16-again / PyTorch|bf16-grouped-compiled step|0.938|bar: 1.0");
    }

    @Test
    void withoutRowsTheTableIsEmpty(@TempDir Path folder) throws Exception {
        assertThat(new CheckTable(folder).rows()).isEmpty();
        assertThat(new ObjectMapper().readTree(CheckTable.json(new CheckTable(folder).rows())))
                .isEmpty();
    }

    @Test
    void aCellIsInOneLine() {
        assertThatIllegalArgumentException().isThrownBy(() -> new CheckTable.Row("a\tb", "", "", "", ""));
        assertThatIllegalArgumentException().isThrownBy(() -> new CheckTable.Row("", "", "1\n", "", ""));
    }
}
