package dev.uncurl.jobs.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StoredComparisonTest {
    private final StoredComparison before = Studies.before(Studies.BASE, Studies.TASK);

    @Test
    void theNewestOfEachBaselineIsTaken() {
        var rows = new ArrayList<>(before.rows());
        rows.addAll(Studies.after(Studies.TUNED, Studies.TASK).rows());
        before.rows().stream()
                .filter(row -> row.experts().equals(Optional.of(2)))
                .map(row -> Studies.at(row, "later", Instant.parse("2027-01-01T00:00:00Z")))
                .forEach(rows::add);
        List<StoredComparison> newest = StoredComparison.newest(rows);
        assertThat(newest).extracting(StoredComparison::against).containsExactly(Studies.BASE, Studies.TUNED);
        assertThat(newest.get(0).rows()).hasSize(5).allMatch(row -> row.comparisonId()
                .equals("later"));
        assertThat(newest).extracting(StoredComparison::older).containsExactly(1, 0);
    }

    @Test
    void rowsGoFromManyExpertsToFewAndFromTheBestValueToTheWorst() {
        List<Compared> rows = before.of("loss_per_token");
        assertThat(rows.get(0).isBaseline()).isTrue();
        assertThat(rows.subList(1, rows.size()))
                .extracting(row -> row.experts().orElseThrow())
                .isSortedAccordingTo(Comparator.reverseOrder());
        before.byExperts("loss_per_token")
                .forEach((k, panel) ->
                        assertThat(panel).extracting(Compared::value).isSorted());
        assertThat(before.byExperts("loss_per_token").keySet())
                .containsExactly(Optional.of(4), Optional.of(2), Optional.of(1));
    }

    @Test
    void aDifferenceIsAVerdictOnlyWhenItsIntervalExcludesZero() {
        for (String metric : List.of("loss_per_token", "bits_per_byte", "acc", "f1")) {
            boolean loss = metric.contains("loss") || metric.contains("bits");
            assertThat(Studies.difference(metric, -0.01, 0.02).verdict()).isEqualTo(Verdict.WITHIN_NOISE);
            assertThat(Studies.difference(metric, 0, 0.02).verdict()).isEqualTo(Verdict.WITHIN_NOISE);
            assertThat(Studies.difference(metric, 0.001, 0.02).verdict())
                    .isEqualTo(loss ? Verdict.WORSE : Verdict.BETTER);
            assertThat(Studies.difference(metric, -0.02, -0.001).verdict())
                    .isEqualTo(loss ? Verdict.BETTER : Verdict.WORSE);
            assertThat(Studies.difference(metric, -0.03, 0.02).worstCase()).isEqualTo(loss ? 0.02 : 0.03);
        }
    }

    @Test
    void beyondTheMarginIsYesOrNoOnlyWhenTheIntervalSaysSo() {
        // the margin is 0.01
        assertThat(Studies.difference("loss_per_token", -0.02, 0.005).worseByMoreThanTheMargin())
                .isEqualTo("no");
        assertThat(Studies.difference("loss_per_token", 0.005, 0.02).worseByMoreThanTheMargin())
                .isEqualTo("open");
        assertThat(Studies.difference("loss_per_token", 0.015, 0.02).worseByMoreThanTheMargin())
                .isEqualTo("yes");
        assertThat(Studies.difference("acc", -0.02, -0.015).worseByMoreThanTheMargin())
                .isEqualTo("yes");
        assertThat(Studies.difference("acc", -0.02, -0.005).worseByMoreThanTheMargin())
                .isEqualTo("open");
    }

    @Test
    void twoSettingsAreSaidToBeNotSeparatedExactlyWhenTheyShareALetter() {
        before.byExperts("loss_per_token").values().forEach(panel -> {
            var said = new HashSet<List<String>>();
            String sentence = Findings.notSeparated(panel).orElse("");
            for (String group : sentence.replace("Not separated from each other, so not ranked: ", "")
                    .split("[;.] ?")) {
                List<String> names = panel.stream()
                        .map(Compared::setting)
                        .filter(group::contains)
                        .toList();
                names.forEach(one -> names.forEach(other -> said.add(List.of(one, other))));
            }
            for (Compared one : panel) {
                for (Compared other : panel) {
                    boolean share = one.lettersOrNone()
                            .chars()
                            .anyMatch(letter -> other.lettersOrNone().indexOf(letter) >= 0);
                    if (one != other) {
                        assertThat(said.contains(List.of(one.setting(), other.setting())))
                                .as(one.setting() + " and " + other.setting() + ": " + sentence)
                                .isEqualTo(share);
                    }
                }
            }
        });
    }

    @Test
    void sentencesNameWhatIsWithinNoiseAndWhatAnAccuracyIsWorth() {
        List<Compared> four = before.byExperts("loss_per_token").get(Optional.of(4));
        assertThat(Findings.againstBaseline(four))
                .contains(
                        "Within noise of the baseline, and worse by this much at most: uncurl (map) 0.002, m-smoe (map) 0.009.",
                        "Worse than the baseline: frequency (mask), reap (mask), random (mask, 3 seeds).",
                        "Not worse by more than the margin of 0.010: uncurl (map), m-smoe (map).");
        assertThat(Findings.againstBaseline(before.byExperts("loss_per_token").get(Optional.of(1))))
                .containsExactly("All are worse than the baseline.");
        assertThat(String.join(
                        "\n",
                        Findings.limits(
                                Studies.after(Studies.TUNED, Studies.TASK).of("acc"))))
                .contains("Always the same answer", "Below the majority line", "fewer than 200 examples", "n = 150");
    }

    @Test
    void theTextTableNeverShowsTheAccuracyOfAConstantPredictorAlone() {
        var data = new TaskData(Studies.TASK, Studies.TASK + "@0123456789ab");
        String text = ComparisonTable.of(Studies.after(Studies.TUNED, Studies.TASK), data);
        assertThat(text.lines().filter(line -> line.contains("0.4100")))
                .hasSize(3)
                .allMatch(line -> line.contains("0.4100 (constant)"));
        assertThat(text)
                .contains("Data: flan@0123456789ab\n")
                .doesNotContain("tokenised again")
                .doesNotContain(" ms");
        assertThat(ComparisonTable.of(before, new TaskData(Studies.TASK, "flan@ffffffffffff")))
                .contains("the task was tokenised again, as flan@ffffffffffff");
    }

    @Test
    void aFinetunedModelIsNamedAfterThePruningOfItsParent() {
        Map<String, StudiedModel> models = Map.of(
                "base", Studies.model("base", Optional.of("tuned"), "pretrain", Map.of(), 8), // a circle
                "pruned",
                        Studies.model(
                                "pruned",
                                Optional.of("base"),
                                "prune",
                                Map.of("method", "reap", "router", "mask", "experts", "2"),
                                8),
                "tuned", Studies.model("tuned", Optional.of("pruned"), "finetune", Map.of(), 8));
        var reap = new Pruned(Optional.of("reap"), Optional.of("mask"), Optional.of(2));
        assertThat(Pruned.of("tuned", models)).isEqualTo(reap);
        assertThat(Pruned.of("pruned", models)).isEqualTo(reap);
        assertThat(Pruned.of("unknown", models).method()).isEmpty();
        Compared row = Studies.difference("loss_per_token", 0.1, 0.2);
        assertThat(Studies.unnamed(row).completed(reap).setting()).isEqualTo("reap (mask)");
        assertThat(row.completed(reap).method()).isEqualTo(row.method());
    }
}
