package dev.uncurl.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The five fields of a cron expression: minute, hour, day of the month, month, day of the week, each as the values that it allows.
 * Numbers, ranges, steps and lists, as cron(5) has them; no names.
 */
record CronExpression(List<TreeSet<Integer>> fields) {
    private static final int[][] LIMITS = {{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 7}};
    private static final Pattern PART = Pattern.compile("(?:\\*|(\\d+)(?:-(\\d+))?)(?:/(\\d+))?");

    /** @throws IllegalArgumentException for a text that is none */
    static CronExpression of(String text) {
        String[] parts = text.split(" +");
        if (parts.length != LIMITS.length) {
            throw new IllegalArgumentException(text + " has " + parts.length + " fields");
        }
        var fields = new ArrayList<TreeSet<Integer>>();
        for (int field = 0; field < parts.length; field++) {
            var values = new TreeSet<Integer>();
            for (String part : parts[field].split(",", -1)) {
                addPart(part, LIMITS[field], values);
            }
            fields.add(values);
        }
        return new CronExpression(fields);
    }

    private static void addPart(String part, int[] limits, TreeSet<Integer> values) {
        Matcher matcher = PART.matcher(part);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(part + " is no field of a cron expression");
        }
        int first = matcher.group(1) == null ? limits[0] : Integer.parseInt(matcher.group(1));
        int last = matcher.group(1) == null
                ? limits[1]
                : matcher.group(2) == null ? first : Integer.parseInt(matcher.group(2));
        int step = matcher.group(3) == null ? 1 : Integer.parseInt(matcher.group(3));
        if (first < limits[0] || last > limits[1] || first > last || step < 1) {
            throw new IllegalArgumentException(part + " is not within " + limits[0] + " to " + limits[1]);
        }
        for (int value = first; value <= last; value += step) {
            values.add(value);
        }
    }

    int timesADay() {
        return fields.get(0).size() * fields.get(1).size();
    }
}
