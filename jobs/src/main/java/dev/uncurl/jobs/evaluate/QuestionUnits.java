package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.jobs.warehouse.Records;
import dev.uncurl.jobs.warehouse.Warehouse;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The questions that the examples of a task belong to: the answers of one question in MultiRC, else one example each.
 *
 * @param question index of the question of each example, in the order of its first example
 * @param first index of the first example of each question
 */
record QuestionUnits(int[] question, int[] first, List<List<Integer>> rightChoices) {
    private record Row(
            long exampleId, Optional<List<Integer>> rightChoices, String source, long sourceOffset, int sourceGroup) {}

    /** @param ids of the examples, ascending */
    static QuestionUnits read(Warehouse warehouse, String task, String split, long[] ids) {
        Map<Long, Row> rows = new HashMap<>();
        Records.read(Examples.of(warehouse, task, split), Row.class).forEach(row -> rows.put(row.exampleId, row));
        var numbers = new HashMap<List<Object>, Integer>();
        int[] question = new int[ids.length];
        int[] first = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            Row row = rows.get(ids[i]);
            int next = numbers.size();
            question[i] = numbers.computeIfAbsent(List.of(row.source, row.sourceOffset, row.sourceGroup), key -> next);
            if (question[i] == next) {
                first[next] = i;
            }
        }
        return new QuestionUnits(
                question,
                Arrays.copyOf(first, numbers.size()),
                Arrays.stream(ids)
                        .mapToObj(id -> rows.get(id).rightChoices.orElseThrow())
                        .toList());
    }

    /** Whether all examples of each question are answered with one of their right choices. */
    boolean[] right(int[] predictions) {
        boolean[] right = new boolean[first.length];
        Arrays.fill(right, true);
        for (int i = 0; i < predictions.length; i++) {
            right[question[i]] &= rightChoices.get(i).contains(predictions[i]);
        }
        return right;
    }
}
