package dev.uncurl.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * A HOCON configuration with overrides, and its binding to a record. A file is given by its path, or by its name among
 * Uncurl's built-in files ({@code train/tiny} is {@code conf/train/tiny.conf}).
 */
public final class Settings {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(com.fasterxml.jackson.databind.MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
            .build();

    /** Names of files under conf/, without {@code ..}. */
    private static final Pattern CARRIED =
            Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*");

    /** Settings of earlier releases, and what to do instead. */
    private static final Map<String, String> REMOVED = Map.of(
            "averaging-frequency",
            "Remove it: ranks are not averaged, they compute each step together. Set train.batch to the sequences of a"
                    + " step over all ranks (ranks * the earlier batch), and train.metrics-every to the steps of a row of"
                    + " training.metrics.");

    private final String name;
    private final Config config;

    private Settings(String name, Config config) {
        this.name = name;
        this.config = config;
    }

    /**
     * @param nameOrFile a path, or the name of a file under conf/ without its ending
     * @param overrides {@code key=value} pairs that take precedence over the file
     * @throws UserError (usage) if there is no such file, or the file or a pair cannot be parsed
     */
    public static Settings load(String nameOrFile, List<String> overrides) {
        try {
            Config settings = ConfigFactory.empty();
            for (String override : overrides) {
                settings = pair(override).withFallback(settings);
            }
            Config config = settings.withFallback(file(nameOrFile))
                    .resolveWith(settings.withFallback(file(nameOrFile))
                            .withFallback(ConfigFactory.parseProperties(System.getProperties())));
            return new Settings(nameOrFile, config);
        } catch (ConfigException e) {
            throw UserError.usage("Configuration " + nameOrFile + ": " + why(e), "Correct it and start again.", e);
        }
    }

    /** The most specific message: that of the cause, if an included file is missing. */
    private static String why(ConfigException e) {
        return e.getCause() instanceof ConfigException.Missing && e.getCause().getMessage() != null
                ? e.getCause().getMessage()
                : e.getMessage();
    }

    private static Config pair(String override) {
        int equals = override.indexOf('=');
        if (equals < 1) {
            throw UserError.usage("--set " + override + " is not a pair", "Write it as --set key=value.");
        }
        var options = ConfigParseOptions.defaults().setOriginDescription("--set");
        return ConfigFactory.parseString(
                override.substring(0, equals) + " = " + override.substring(equals + 1), options);
    }

    /** Unlike in plain HOCON, a missing include is an error. */
    private static Config file(String nameOrFile) {
        var options = ConfigParseOptions.defaults().setAllowMissing(false).setIncluder(RequiredIncludes.INSTANCE);
        Optional<String> carried = SubmittedFile.named(nameOrFile);
        if (carried.isPresent()) {
            return ConfigFactory.parseString(carried.get(), options.setOriginDescription(nameOrFile));
        }
        String resource = "conf/" + nameOrFile + ".conf";
        Path path = path(nameOrFile);
        if (path != null && Files.exists(path) && !Files.isDirectory(path)) {
            String text = text(path);
            return Files.isRegularFile(path)
                    ? ConfigFactory.parseFile(path.toFile(), options)
                    : ConfigFactory.parseString(text, options.setOriginDescription(nameOrFile)); // a pipe is read once
        }
        if (!CARRIED.matcher(nameOrFile).matches()
                || Settings.class.getClassLoader().getResource(resource) == null) {
            throw UserError.usage(
                    path != null && Files.isDirectory(path)
                            ? "The configuration " + nameOrFile + " is a folder"
                            : "There is no configuration " + nameOrFile + ": neither a file "
                                    + (path == null ? "" : path.toAbsolutePath() + " ") + "nor " + resource
                                    + " within Uncurl",
                    "Give --config the path of a HOCON file, or a name such as train/tiny.");
        }
        return ConfigFactory.parseResources(Settings.class.getClassLoader(), resource, options);
    }

    /** Null if the name is not a valid path on this system. */
    private static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw UserError.usage(
                    "The configuration " + file + " is not text in UTF-8",
                    "Name a HOCON file that is saved as UTF-8.",
                    e);
        } catch (IOException e) {
            throw UserError.usage("The configuration " + file + " cannot be read: " + e, "Check --config.", e);
        }
    }

    /**
     * The whole configuration as a record: keys are the components' names in kebab case.
     *
     * @throws UserError (usage) for an unknown key (with the nearest valid one), a missing key, a value of the wrong
     *     kind
     */
    public <T> T bind(Class<T> type) {
        try {
            return MAPPER.convertValue(config.root().unwrapped(), type);
        } catch (IllegalArgumentException e) {
            throw e.getCause() instanceof JsonMappingException cause ? userError(cause) : e;
        }
    }

    private UserError userError(JsonMappingException cause) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            if (t instanceof UserError userError) {
                return userError;
            }
        }
        String key = cause.getPath().stream()
                .map(step -> step.getFieldName() == null ? "[" + step.getIndex() + "]" : step.getFieldName())
                .collect(Collectors.joining("."));
        if (cause instanceof UnrecognizedPropertyException unknown && REMOVED.containsKey(unknown.getPropertyName())) {
            return UserError.usage(
                    key + " (" + origin(key) + ") is not a setting any more", REMOVED.get(unknown.getPropertyName()));
        }
        if (cause instanceof UnrecognizedPropertyException unknown) {
            var valid = unknown.getKnownPropertyIds().stream()
                    .map(Object::toString)
                    .sorted()
                    .toList();
            return UserError.usage(
                    "Unknown key " + key + " in " + origin(key), Nearest.hint(unknown.getPropertyName(), valid));
        }
        return UserError.usage(
                "Configuration " + name + (key.isEmpty() ? "" : ", key " + key) + ": " + cause.getOriginalMessage(),
                "Give the key a value of the right kind in the file or by --set.");
    }

    private String origin(String key) {
        try {
            return config.hasPath(key) ? config.getValue(key).origin().description() : name;
        } catch (ConfigException.BadPath e) {
            return name; // a key inside a list has no path of its own
        }
    }

    /** All values with their origins, one per line, sorted by key. */
    public String describe() {
        Map<String, String> lines = new TreeMap<>();
        config.entrySet()
                .forEach(entry -> lines.put(
                        entry.getKey(),
                        String.join(".", ConfigUtil.splitPath(entry.getKey())) + " = "
                                + entry.getValue().render(ConfigRenderOptions.concise()) + "    # "
                                + entry.getValue().origin().description()));
        return String.join("\n", lines.values());
    }

    /** The values as one line of JSON with sorted keys. */
    public static String json(Object record) {
        try {
            return MAPPER.writer()
                    .with(com.fasterxml.jackson.databind.SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .writeValueAsString(record);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("Not a record of settings: " + record, e);
        }
    }

    /** {@link #json(Object)} of each setting of a record, by its key. */
    public static SortedMap<String, String> jsonByKey(Object record) {
        try {
            var settings = new TreeMap<String, String>();
            MAPPER.readTree(json(record))
                    .fields()
                    .forEachRemaining(setting ->
                            settings.put(setting.getKey(), setting.getValue().toString()));
            return settings;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("Not a record of settings: " + record, e);
        }
    }

    /** The record that {@link #json(Object)} was given; numbers that it left out are 0. */
    public static <T> T read(String json, Class<T> type) throws JsonProcessingException {
        return MAPPER.readerFor(type)
                .without(
                        DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
                        DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
                .readValue(json);
    }

    /** As {@link #json(Object)}, without some settings, named as in a file. */
    static String json(Object record, String... without) {
        ObjectNode settings = MAPPER.valueToTree(record);
        return settings.without(List.of(without)).toString();
    }

    /** A record with other values of some whole numbers, named as in a file. */
    @SuppressWarnings("unchecked")
    static <T> T with(T record, Map<String, Integer> changes) {
        ObjectNode settings = MAPPER.valueToTree(record);
        changes.forEach(settings::put);
        return (T) MAPPER.convertValue(settings, record.getClass());
    }

    /** SHA-256 of {@link #json(Object)}, in hexadecimal. */
    public static String hash(Object record) {
        return DigestUtils.sha256Hex(json(record));
    }
}
