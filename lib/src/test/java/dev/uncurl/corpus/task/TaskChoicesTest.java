package dev.uncurl.corpus.task;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.uncurl.corpus.Example;
import dev.uncurl.corpus.Outcome;
import dev.uncurl.corpus.Rejection;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** What a task of a user's own may have in its rows: each gives the right example, or a rejection with the reason. */
class TaskChoicesTest {
    private static final String PAIR =
            """
            name = own, version = "1", fields = [q, a, b], prompt = "{q}", choices = [" {a}", " {b}"]
            label { field = label, values { "0" = 0, "1" = 1 } }, metrics = [acc]
            """;
    private static final String LIST =
            """
            name = own, version = "1", fields = [q], lists = [options], prompt = "{q}", choices = [" {options}"]
            label { field = answer }, metrics = [acc]
            """;

    @Test
    void whiteSpaceInsideFieldsStays() {
        var example = (Example) outcome(PAIR, "{'q':' q  ','a':' a','b':'b\\n','label':0}");
        assertThat(example.inputs()).isEqualTo(" q  ");
        assertThat(example.choices()).containsExactly("  a", " b\n");
        assertThat(example.splitText()).isEqualTo(" q    a");
    }

    @Test
    void charactersBeyondAsciiStay() {
        var example =
                (Example) outcome(PAIR, "{'q':'\u00bfD\u00f3nde?','a':'\u6771\u4eac','b':'\ud83d\ude00','label':1}");
        assertThat(example.inputs()).isEqualTo("\u00bfD\u00f3nde?");
        assertThat(example.choices()).containsExactly(" \u6771\u4eac", " \ud83d\ude00");
        assertThat(example.targets()).isEqualTo(" \ud83d\ude00");
    }

    @Test
    void aRightChoiceThatEqualsAWrongOneIsRejected() {
        assertThat(reason(PAIR, "{'q':'q','a':'x','b':'x','label':1}"))
                .isEqualTo("a right and a wrong choice are equal");
        assertThat(reason(LIST, "{'q':'q','options':['x','y','x'],'answer':0}"))
                .isEqualTo("a right and a wrong choice are equal");
        // wrong ones may be equal: the right one is still told apart
        var example = (Example) outcome(LIST, "{'q':'q','options':['x','y','x'],'answer':1}");
        assertThat(example.choices()).containsExactly(" x", " y", " x");
    }

    @Test
    void choicesWithoutTextAreRejected() {
        assertThat(reason(PAIR, "{'q':'q','a':'','b':'x','label':1}")).isEqualTo("field a is empty");
        assertThat(reason(PAIR, "{'q':'q','a':' ','b':'x','label':1}")).isEqualTo("a choice is blank");
        assertThat(reason(LIST, "{'q':'q','options':['','x'],'answer':1}")).isEqualTo("field options is empty");
        assertThat(reason(LIST, "{'q':'q','options':['\\t','x'],'answer':1}")).isEqualTo("a choice is blank");
    }

    @Test
    void aListGivesOneChoiceForEachElement() {
        for (String answer : new String[] {"2", "'c'"}) {
            var example = (Example) outcome(LIST, "{'q':'q','options':['a','b','c'],'answer':" + answer + "}");
            assertThat(example.choices()).containsExactly(" a", " b", " c");
            assertThat(example.answers()).containsExactly("a", "b", "c");
            assertThat(example.label()).isEqualTo(2);
        }
        String letters = LIST.replace("field = answer", "field = answer, values { A = 0, B = 1, C = 2 }");
        assertThat(((Example) outcome(letters, "{'q':'q','options':['a','b'],'answer':'B'}")).targets())
                .isEqualTo(" b");
        for (String answer : new String[] {"'C'", "'D'"}) {
            assertThat(reason(letters, "{'q':'q','options':['a','b'],'answer':" + answer + "}"))
                    .isEqualTo("field answer has a value that is not known");
        }
    }

    @Test
    void listsThatDoNotFitAreRejected() {
        for (String answer : new String[] {"3", "-2", "'d'", "99999999999"}) {
            assertThat(reason(LIST, "{'q':'q','options':['a','b','c'],'answer':" + answer + "}"))
                    .isEqualTo("field answer has a value that is not known");
        }
        assertThat(reason(LIST, "{'q':'q','options':['a','b']}")).isEqualTo("no label");
        assertThat(reason(LIST, "{'q':'q','options':'a','answer':0}")).isEqualTo("no array options");
        assertThat(reason(LIST, "{'q':'q','options':['a'],'answer':0}"))
                .isEqualTo("array options has fewer than two elements");
        assertThat(reason(LIST, "{'q':'q','options':['a',1],'answer':0}"))
                .isEqualTo("array options has an element that is not a string");
    }

    @Test
    void theFirstChoiceIsRightWhereTheTaskSaysSo() {
        String first = PAIR.replaceFirst("label \\{.*\\}, ", "label = first, ");
        for (String word : new String[] {"a", "b", "c", "d", "e", "f"}) {
            var example = (Example) outcome(first, "{'q':'q','a':'" + word + "','b':'x'}");
            assertThat(example.targets()).isEqualTo(" " + word);
            assertThat(example.choices()).containsExactlyInAnyOrder(" " + word, " x");
        }
    }

    private static Outcome outcome(String task, String row) {
        try {
            return TaskDefinition.parse(task, "own.conf")
                    .render(new ObjectMapper().readTree(row.replace('\'', '"')), "f", 0, 1)
                    .next();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String reason(String task, String row) {
        return ((Rejection) outcome(task, row)).reason();
    }
}
