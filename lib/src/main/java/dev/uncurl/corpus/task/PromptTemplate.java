package dev.uncurl.corpus.task;

import dev.uncurl.error.Nearest;
import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Text with placeholders: {@code {field}}, or {@code {field|filter|filter}}. A doubled brace is a literal brace.
 *
 * @param source the template as written
 * @param parts literals and placeholders, in order
 */
public record PromptTemplate(String source, List<Part> parts) {
    private static final Pattern BEFORE_STOP = Pattern.compile(" (['.,])");

    /** A piece of a template. */
    public sealed interface Part {}

    /** Literal text. */
    public record Literal(String text) implements Part {}

    /** A placeholder for the value of a field, to which the filters are applied in order. */
    public record Hole(String field, List<Filter> filters) implements Part {}

    /** A conversion of a field's value. Templates use its name in lower case with hyphens. */
    public enum Filter {
        /** Removes trailing white space and then one final full stop. */
        STRIP_FINAL_STOP {
            @Override
            String apply(String value) {
                String stripped = value.stripTrailing();
                return stripped.endsWith(".") ? stripped.substring(0, stripped.length() - 1) : stripped;
            }
        },
        /** Removes the spaces that word tokenising inserted, in the same way as lm-evaluation-harness. */
        DETOKENIZED {
            @Override
            String apply(String value) {
                String text = value.replace(" n't", "n't")
                        .replace(" )", ")")
                        .replace("( ", "(")
                        .replace("\" ", "\"")
                        .replace(" \"", "\"");
                return BEFORE_STOP.matcher(text).replaceAll("$1");
            }
        },
        /** Removes leading and trailing white space. */
        STRIPPED {
            @Override
            String apply(String value) {
                return value.strip();
            }
        },
        /** Converts the first letter to lower case. */
        LOWER_FIRST {
            @Override
            String apply(String value) {
                if (value.isEmpty()) {
                    return value;
                }
                int first = value.codePointAt(0);
                return Character.toString(Character.toLowerCase(first)) + value.substring(Character.charCount(first));
            }
        };

        abstract String apply(String value);

        String label() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** @throws UserError (usage) for an unknown filter or an unbalanced brace */
    public static PromptTemplate parse(String source) {
        var parts = new ArrayList<Part>();
        var literal = new StringBuilder();
        for (int i = 0; i < source.length(); i++) {
            char c = source.charAt(i);
            boolean doubled = i + 1 < source.length() && source.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                literal.append(c);
                i++;
            } else if (c == '{') {
                int end = source.indexOf('}', i);
                if (end < 0) {
                    throw unbalanced(source);
                }
                parts.add(new Literal(literal.toString()));
                literal.setLength(0);
                parts.add(hole(source.substring(i + 1, end)));
                i = end;
            } else if (c == '}') {
                throw unbalanced(source);
            } else {
                literal.append(c);
            }
        }
        parts.add(new Literal(literal.toString()));
        parts.removeIf(part -> part instanceof Literal text && text.text().isEmpty());
        return new PromptTemplate(source, List.copyOf(parts));
    }

    /** Fills the placeholders. Every field of {@link #fields()} must have a value. */
    public String render(Map<String, String> values) {
        var out = new StringBuilder();
        for (Part part : parts) {
            if (part instanceof Literal literal) {
                out.append(literal.text());
            } else if (part instanceof Hole hole) {
                String value = values.get(hole.field());
                for (Filter filter : hole.filters()) {
                    value = filter.apply(value);
                }
                out.append(value);
            }
        }
        return out.toString();
    }

    /** The fields that the placeholders name. */
    public Set<String> fields() {
        var fields = new LinkedHashSet<String>();
        for (Part part : parts) {
            if (part instanceof Hole hole) {
                fields.add(hole.field());
            }
        }
        return fields;
    }

    private static Hole hole(String inside) {
        String[] names = inside.split("\\|", -1);
        var filters = new ArrayList<Filter>();
        for (String name : Arrays.asList(names).subList(1, names.length)) {
            filters.add(filter(name));
        }
        return new Hole(names[0], List.copyOf(filters));
    }

    private static Filter filter(String name) {
        for (Filter filter : Filter.values()) {
            if (filter.label().equals(name)) {
                return filter;
            }
        }
        var known = Arrays.stream(Filter.values()).map(Filter::label).toList();
        throw UserError.usage("template filter '" + name + "' is not known", Nearest.hint(name, known));
    }

    private static UserError unbalanced(String source) {
        return UserError.usage("template has an unbalanced brace: " + source, "Write {{ or }} for a literal brace.");
    }
}
