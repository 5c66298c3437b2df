package dev.uncurl.corpus.task;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import dev.uncurl.corpus.Example;
import dev.uncurl.error.UserError;
import java.util.Map;
import java.util.Set;

/**
 * Converts the fields of a free-text row to prompt and answer. The wording is data, in the file
 * conf/template/&lt;format&gt;.conf.
 *
 * @param version of the wording
 * @param inputs the template of the prompt
 * @param targets the template of the answer, including the separator between prompt and answer
 */
public record ExampleTemplate(String version, PromptTemplate inputs, PromptTemplate targets) {
    private static final String FOLDER = "conf/template/";

    /**
     * Loads the wording of a format.
     *
     * @param fields names of fields that the templates may use
     * @throws UserError (usage) if the file is invalid
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
            throw UserError.usage(file + ": " + e.getMessage(), "See conf/template/cot.conf for an example.");
        }
    }

    public Example example(String source, long offset, long line, String task, Map<String, String> values) {
        return Example.freeText(source, offset, line, task, inputs.render(values), targets.render(values));
    }
}
