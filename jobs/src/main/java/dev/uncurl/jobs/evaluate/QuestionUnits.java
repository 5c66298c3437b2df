package dev.uncurl.jobs.evaluate;

import dev.uncurl.jobs.evaluate.Questions.Question;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;

/**
 * Examples as parts of questions: the answers of one question in MultiRC, else one example each.
 *
 * @param question index of the question of each example, in the order of its first example
 * @param first index of the first example of each question
 */
record QuestionUnits(List<Question> examples, int[] question, int[] first) {
    /** @param ids of the examples, ascending */
    static QuestionUnits of(Questions questions, long[] ids) {
        List<Question> examples = Arrays.stream(ids).mapToObj(questions::of).toList();
        var numbers = new HashMap<List<Object>, Integer>();
        int[] question = new int[ids.length];
        int[] first = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            int next = numbers.size();
            question[i] = numbers.computeIfAbsent(examples.get(i).id(), key -> next);
            if (question[i] == next) {
                first[next] = i;
            }
        }
        return new QuestionUnits(examples, question, Arrays.copyOf(first, numbers.size()));
    }

    /** Whether all examples of each question are answered with one of their right choices. */
    boolean[] right(int[] predictions) {
        boolean[] right = new boolean[first.length];
        Arrays.fill(right, true);
        for (int i = 0; i < predictions.length; i++) {
            right[question[i]] &= examples.get(i).isRight(predictions[i]);
        }
        return right;
    }
}
