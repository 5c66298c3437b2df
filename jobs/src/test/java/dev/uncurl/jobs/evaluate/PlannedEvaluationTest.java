package dev.uncurl.jobs.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.uncurl.jobs.Cli;
import dev.uncurl.jobs.routing.RoutingFixture;
import dev.uncurl.jobs.tokenize.TokenizeFixture;
import dev.uncurl.jobs.warehouse.UncurlTable;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Plans that are scored without a model of them. That all methods and rules are the same weights: PlannedWeightsTest of lib. */
@Tag("slow")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PlannedEvaluationTest {
    private static final String TASK = "superglue/copa";
    private static final String EVALUATE = "evaluate --model base --split train --task " + TASK + " ";

    private Cli cli;
    private Warehouse warehouse;

    @BeforeAll
    void plan(@TempDir Path folder) {
        cli = new Cli(folder.resolve("warehouse"));
        warehouse = TokenizeFixture.warehouse(cli.folder());
        RoutingFixture.task(warehouse, TASK, 40, 3);
        RoutingFixture.model(warehouse, "base", RoutingFixture.config(5, 2), 1);
        RoutingFixture.dump(warehouse, "base", TASK, 0);
        cli.succeed("prune --from base --task " + TASK + " --method uncurl,frequency --experts 2 --plan-only");
    }

    private String planId(String method) {
        return warehouse
                .rows(UncurlTable.PLANS, "model_id", "base", "task", TASK)
                .where("method = '" + method + "'")
                .first()
                .getAs("plan_id");
    }

    private List<Row> scores(String id) {
        return warehouse
                .rows(UncurlTable.SCORED, "model_id", id, "task", TASK, "split", "train")
                .orderBy("example_id")
                .select("example_id", "text_loss", "text_tokens", "target_loss", "target_tokens")
                .collectAsList();
    }

    @Test
    void theScoresOfAPlanAreThoseOfTheModelMadeFromItToTheBit() {
        String listed = cli.succeed(EVALUATE + "--plan all --router all");
        cli.succeed(EVALUATE + "--plan " + planId("uncurl").substring(0, 8) + " --align off");
        var expected = new TreeMap<String, String>();
        for (String method : List.of("uncurl", "frequency")) {
            for (String rule :
                    method.equals("uncurl") ? List.of("map", "collapse") : List.of("mask", "slice", "zero")) {
                String id = "base+" + planId(method).substring(0, 12) + "-" + rule;
                expected.put(id, "--method " + method + " --router " + rule);
                assertThat(listed).contains(id + " on " + TASK);
            }
        }
        String unaligned = "base+" + planId("uncurl").substring(0, 12) + "-map-unaligned";
        expected.put(unaligned, "--method uncurl --router map --align off");
        assertThat(warehouse
                        .table(UncurlTable.REGISTRY)
                        .select("model_id")
                        .as(org.apache.spark.sql.Encoders.STRING())
                        .collectAsList())
                .as("nothing is written to models")
                .containsExactly("base");
        assertThat(cli.folder().resolve("models")).isDirectoryNotContaining("regex:.*\\+.*");
        var distinct = new TreeSet<String>();
        int made = 0;
        for (var planned : expected.entrySet()) {
            String model = "made" + made++;
            cli.succeed(
                    "prune --from base --task " + TASK + " --experts 2 --model " + model + " " + planned.getValue());
            cli.succeed("evaluate --model " + model + " --split train --task " + TASK);
            assertThat(scores(model)).hasSizeGreaterThan(30);
            assertThat(scores(planned.getKey())).as(planned.getKey()).isEqualTo(scores(model));
            distinct.add(scores(model).toString());
        }
        distinct.add(scores("base").toString());
        assertThat(distinct)
                .as("every one of them and the parent score differently")
                .hasSize(expected.size() + 1);
        assertThat(cli.succeed(EVALUATE + "--plan " + planId("uncurl")))
                .contains("Results of base+" + planId("uncurl").substring(0, 12) + "-map on " + TASK)
                .contains("are there already: reused");
    }

    /** So that a rule that only some of the plans can have can be asked for with all of them. */
    @Test
    void allLeavesOutPlansThatNoneOfTheRulesFits() {
        assertThat(cli.succeed(EVALUATE + "--plan all --router map,collapse --align off --limit 5"))
                .contains("base+" + planId("uncurl").substring(0, 12) + "-map-unaligned on " + TASK)
                .contains("base+" + planId("uncurl").substring(0, 12) + "-collapse-unaligned on " + TASK)
                .doesNotContain("base+" + planId("frequency").substring(0, 12));
        RoutingFixture.task(warehouse, "superglue/cb", 40, 6);
        RoutingFixture.dump(warehouse, "base", "superglue/cb", 0);
        cli.succeed("prune --from base --task superglue/cb --method frequency --experts 2 --plan-only");
        Cli.Outcome outcome = cli.run(
                "evaluate --model base --split train --task superglue/cb --plan all --router map,collapse".split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
        assertThat(outcome.err()).contains("Router rule map cannot be used", "mask or slice");
    }

    private void isRefused(String options, int code, String... messages) {
        Cli.Outcome outcome = cli.run((EVALUATE + options).split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
        assertThat(outcome.err()).contains(messages);
    }

    @Test
    void optionsThatNameNoPlanOrNoRuleOfItAreRefusedWithWhatToDo() {
        isRefused("--plan abcdef123", 2, "There is no plan abcdef123 of model base", "lists them");
        isRefused("--plan abc", 2, "abc is not the id of a plan", "first 6");
        isRefused("--plan all --plan abcdef", 2, "Give --plan all alone");
        isRefused("--plan all --model other", 2, "--plan needs the one model", "Give --model once");
        isRefused("--router mask", 2, "there is no --plan");
        isRefused("--plan all --router musk", 2, "Did you mean mask?");
        isRefused(
                "--plan " + planId("frequency") + " --router map",
                2,
                "Router rule map cannot be used",
                "mask or slice");
        RoutingFixture.task(warehouse, "superglue/rte", 5, 4);
        Cli.Outcome outcome = cli.run("evaluate --model base --split train --task superglue/rte --plan all".split(" "));
        assertThat(outcome.code()).as(outcome.err()).isEqualTo(3);
        assertThat(outcome.err()).contains("There are no plans of model base").contains("plans made on " + TASK);
    }

    /** With margins that decide for it; that the looks decide as they should: InterimLooksTest of lib. */
    @Test
    void whatIsStoppedIsStoredAsTheEvaluationOfTheExamplesSoFar() {
        RoutingFixture.task(warehouse, "superglue/wic", 230, 5);
        RoutingFixture.dump(warehouse, "base", "superglue/wic", 200);
        cli.succeed("prune --from base --task superglue/wic --method frequency --experts 2 --plan-only");
        String line =
                "evaluate --model base --split train --task superglue/wic --plan all --stop-when worse --margin 0.02";
        assertThat(cli.succeed(line)).contains("base on superglue/wic");
        var choice = new PlanChoice();
        picocli.CommandLine.populateCommand(choice, "--plan", "all", "--router", "slice");
        List<ScoredModel> models = choice.models(warehouse, List.of("base"), "superglue/wic");
        List<String> names = List.of("superglue/wic");
        var evaluation = new Evaluation(warehouse);
        var baseline =
                StopWhen.Baseline.of(warehouse, evaluation.evaluate(models.get(0), names, "train", 0, StopRule.NEVER));
        ScoredModel plan = models.get(1);
        var stopped = evaluation.evaluate(plan, names, "train", 0, new StopWhen.Worse(baseline, -1000));
        assertThat(stopped.get(0).data()).endsWith("first 64");
        var limited = evaluation.evaluate(plan, names, "train", 64, StopRule.NEVER);
        assertThat(limited).isEqualTo(stopped);
        var whole = evaluation.evaluate(plan, names, "train", 0, new StopWhen.Worse(baseline, 1000));
        assertThat(whole.get(0).data()).doesNotContain("first");
        assertThat(evaluation.evaluate(plan, names, "train", 0, new StopWhen.Worse(baseline, -1000)))
                .as("a complete evaluation is reused, and not replaced by a part of it")
                .isEqualTo(whole);
    }

    @Test
    void stoppingWithoutABaselineIsRefused() {
        isRefused("--stop-when worse", 2, "there is no --against and no --plan");
        isRefused("--plan all --stop-when better", 2, "Write --stop-when worse");
    }
}
