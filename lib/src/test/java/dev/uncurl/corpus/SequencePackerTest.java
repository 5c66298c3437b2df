package dev.uncurl.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SequencePackerTest {
    private static final int END = 99;

    @Property
    void tokensAndDocumentsAreConserved(
            @ForAll @Size(max = 30) List<@Size(max = 40) List<@IntRange(max = 98) Integer>> documents,
            @ForAll @IntRange(min = 1, max = 17) int length) {
        var packer = new SequencePacker(length, END);
        var sequences = new ArrayList<PackedSequence>();
        var wanted = new ArrayList<Integer>();
        for (int i = 0; i < documents.size(); i++) {
            int[] ids = documents.get(i).stream().mapToInt(Integer::intValue).toArray();
            packer.add("file", i, ids, sequences::add);
            wanted.addAll(documents.get(i));
            wanted.add(END);
        }
        assertThat(packer.tokensIn()).isEqualTo((long) length * sequences.size() + packer.pending());
        assertThat(sequences).allMatch(sequence -> sequence.padding() == 0);
        packer.flush().ifPresent(sequences::add);
        assertThat(packer.flush()).isEmpty();

        assertThat(packer.tokensIn()).isEqualTo(wanted.size());
        assertThat(packer.documentsIn()).isEqualTo(documents.size());
        assertThat(sequences).allMatch(sequence -> sequence.tokens().length == length);
        assertThat(unpack(sequences)).isEqualTo(documents);
    }

    /** Takes the sequences apart again by their starts and references alone. */
    private static List<List<Integer>> unpack(List<PackedSequence> sequences) {
        var documents = new ArrayList<List<Integer>>();
        boolean open = false;
        for (PackedSequence sequence : sequences) {
            int[] starts = sequence.documentStarts();
            int carried = sequence.sources().size() - starts.length;
            assertThat(carried).isEqualTo(open ? 1 : 0);
            for (int i = 0; i < sequence.sources().size(); i++) {
                int from = i < carried ? 0 : starts[i - carried];
                int to = i + 1 - carried < starts.length
                        ? starts[i + 1 - carried]
                        : sequence.tokens().length - sequence.padding();
                long document = sequence.sources().get(i).offset();
                if (i >= carried) {
                    assertThat(document).isEqualTo(documents.size());
                    documents.add(new ArrayList<>());
                }
                assertThat(document).isEqualTo(documents.size() - 1);
                open = true;
                for (int at = from; at < to; at++) {
                    assertThat(open).isTrue();
                    if (sequence.tokens()[at] == END) {
                        open = false;
                    } else {
                        documents.get(documents.size() - 1).add(sequence.tokens()[at]);
                    }
                }
            }
            for (int at = sequence.tokens().length - sequence.padding(); at < sequence.tokens().length; at++) {
                assertThat(sequence.tokens()[at]).isEqualTo(PackedSequence.PADDING);
            }
        }
        assertThat(open).isFalse();
        return documents;
    }

    @Test
    void aDocumentLongerThanTheSequenceGoesOnInTheNext() {
        var sequences = new ArrayList<PackedSequence>();
        var packer = new SequencePacker(3, END);
        packer.add("a", 0, new int[] {1, 2, 3, 4}, sequences::add);
        packer.add("b", 7, new int[] {5}, sequences::add);
        packer.flush().ifPresent(sequences::add);
        assertThat(sequences.stream().map(PackedSequence::tokens))
                .containsExactly(new int[] {1, 2, 3}, new int[] {4, END, 5}, new int[] {END, -1, -1});
        assertThat(sequences.get(1).documentStarts()).containsExactly(2);
        assertThat(sequences.get(1).sources()).containsExactly(new SourceRef("a", 0), new SourceRef("b", 7));
        assertThat(sequences.get(2).documentStarts()).isEmpty();
        assertThat(sequences.get(2).sources()).containsExactly(new SourceRef("b", 7));
        assertThat(sequences.get(2).padding()).isEqualTo(2);
    }

    @Test
    void negativeIdsAreRefused() {
        assertThatThrownBy(() -> new SequencePacker(3, END).add("a", 5, new int[] {-1}, sequence -> {}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a at byte 5");
    }
}
