package dev.uncurl.jobs;

import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.Column.Overflow;
import picocli.CommandLine.Help.TextTable;

/** The list of commands in the help of the main command: the group, the name, and what it does, without details. */
final class CommandGroups {
    private static final List<Map.Entry<String, List<String>>> GROUPS = List.of(
            Map.entry("all", List.of("demo")),
            Map.entry("corpus", List.of("tokenize")),
            Map.entry("training", List.of("pretrain", "finetune")),
            Map.entry("pruning", List.of("dump-logits", "prune")),
            Map.entry("results", List.of("evaluate", "sweep", "report", "export")),
            Map.entry("warehouse", List.of("sql", "verify", "maintain")));

    private CommandGroups() {}

    static String render(Help help) {
        int width = help.commandSpec().usageMessage().width();
        var table = TextTable.forColumns(
                help.colorScheme(),
                new Column(12, 2, Overflow.SPAN),
                new Column(12, 0, Overflow.SPAN),
                new Column(width - 24, 0, Overflow.WRAP));
        for (var group : GROUPS) {
            String title = group.getKey();
            for (String name : group.getValue()) {
                var command = help.subcommands().get(name).commandSpec();
                String description = command.usageMessage().description()[0];
                table.addRowValues(title, name, description.split("[:;.]( |$)")[0] + ".");
                title = "";
            }
        }
        return table.toString();
    }
}
