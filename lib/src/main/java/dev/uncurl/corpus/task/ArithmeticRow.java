package dev.uncurl.corpus.task;

import com.fasterxml.jackson.databind.JsonNode;
import dev.uncurl.corpus.row.FlanRow;
import dev.uncurl.corpus.row.RowRejectedException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A word problem of FLAN whose answer is one number, as in GSM8K: the number competes with three distractors. These are
 * the first three numbers, other than the answer and each other, of this list:
 *
 * <ol>
 *   <li>the last number of the problem,
 *   <li>twice the answer,
 *   <li>half of it, if that has no more decimals than the answer,
 *   <li>three times the answer,
 *   <li>ten times the answer,
 *   <li>the answer plus 1, plus 2, and so on.
 * </ol>
 *
 * So a model that copies from the problem, or that only knows the rough size of the answer, is not right by that.
 */
final class ArithmeticRow {
    private static final int DISTRACTORS = 3;
    private static final Pattern NUMBER = Pattern.compile("\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?|\\d+(?:\\.\\d+)?");
    private static final Pattern ANSWER =
            Pattern.compile("(-?)\\$?\\s?((?:\\d{1,3}(?:,\\d{3})+|\\d+)(?:\\.\\d+)?)\\s?%?\\.?");

    /** Digits of a number that is still read as one. */
    private static final int LONGEST = 30;

    private ArithmeticRow() {}

    static RowItems items(JsonNode row) throws RowRejectedException {
        FlanRow flan = FlanRow.of(row);
        Matcher answer = ANSWER.matcher(FlanAnswer.of(flan.targets()).text());
        if (!answer.matches() || answer.group(2).length() > LONGEST) {
            throw new RowRejectedException("the answer is not a number");
        }
        var right = new BigDecimal(answer.group(1) + answer.group(2).replace(",", ""));
        String question = FlanAnswer.withoutThinking(flan.inputs());
        if (question.isEmpty()) {
            throw new RowRejectedException("no question");
        }
        List<String> options = Stream.concat(Stream.of(right), distractors(right, question).stream())
                .map(BigDecimal::toPlainString)
                .toList();
        return new RowItems(List.of(new RowItems.Item(
                0,
                Map.of("question", question, "inputs", flan.inputs()),
                Map.of("option", options),
                List.of(0),
                options,
                flan.text())));
    }

    static List<BigDecimal> distractors(BigDecimal right, String question) {
        List<BigDecimal> numbers = NUMBER.matcher(question)
                .results()
                .filter(number -> number.group().length() <= LONGEST)
                .map(number -> new BigDecimal(number.group().replace(",", "")))
                .toList();
        var candidates = new ArrayList<>(numbers.subList(Math.max(0, numbers.size() - 1), numbers.size()));
        for (String factor : List.of("2", "0.5", "3", "10")) {
            BigDecimal multiple = right.multiply(new BigDecimal(factor));
            if (multiple.stripTrailingZeros().scale() <= right.scale()) {
                candidates.add(multiple.setScale(right.scale()));
            }
        }
        for (int i = 1; i <= DISTRACTORS + 1; i++) { // the number of the problem may be one of them
            candidates.add(right.add(BigDecimal.valueOf(i)));
        }
        var taken = new TreeSet<>(List.of(right)); // 1 and 1.0 are one number
        return candidates.stream().filter(taken::add).limit(DISTRACTORS).toList();
    }
}
