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
