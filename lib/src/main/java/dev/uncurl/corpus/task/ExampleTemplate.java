package dev.uncurl.corpus.task;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import dev.uncurl.corpus.Example;
import dev.uncurl.error.UserError;
import java.util.Map;
import java.util.Set;

/**
 * How the fields of a row of free text become prompt and answer. The wording is data, a file
 * conf/template/&lt;format&gt;.conf.
 *
 * @param version of the wording
 * @param inputs the template of the prompt
 * @param targets the template of the answer, with what separates it from the prompt
 */
public record ExampleTemplate(String version, PromptTemplate inputs, PromptTemplate targets) {
    private static final String FOLDER = "conf/template/";

    /**
     * The wording of a format.
     *
     * @param fields those that the templates may use
     * @throws UserError (usage) for a file that does not fit
     */
    public static ExampleTemplate load(String format, Set<String> fields) {
        String file = FOLDER + format + ".conf";
        Config config = ConfigFactory.parseResources(ExampleTemplate.class.getClassLoader(), file);
        TaskFile.onlyKnownKeys(config, Set.of("version", "inputs", "targets"), file, "");
        try {
            var template = new ExampleTemplate(
                    config.getString("version"),
                    PromptTemplate.parse(config.getString("inputs")),
                    PromptTemplate.parse(config.getString("targets")));
            TaskFile.requireFields(template.inputs, fields, file);
            TaskFile.requireFields(template.targets, fields, file);
            return template;
        } catch (ConfigException e) {
            throw UserError.usage(file + ": " + e.getMessage(), "See conf/template/cot.conf for the form.");
        }
    }

    public Example example(String source, long offset, long line, String task, Map<String, String> values) {
        return Example.freeText(source, offset, line, task, inputs.render(values), targets.render(values));
    }
}
