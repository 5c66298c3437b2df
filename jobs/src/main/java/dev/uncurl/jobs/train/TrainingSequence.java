package dev.uncurl.jobs.train;

import dev.uncurl.dl4j.SmoeNetwork;
import dev.uncurl.jobs.warehouse.Examples;
import dev.uncurl.model.Sequences;
import dev.uncurl.model.TokenBatch;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.Row;
import org.nd4j.linalg.dataset.DataSet;

/**
 * One sequence of training data.
 *
 * @param id {@code cc100/17} is sequence 17 of corpus cc100
 * @param predictedFrom the first token that is predicted
 */
record TrainingSequence(String id, int[] tokens, int predictedFrom) implements Serializable {
    /** @param position in the series of all epochs */
    DataSet dataSet(long position) {
        int[] targets = Sequences.nextTokens(tokens, predictedFrom);
        DataSet data = SmoeNetwork.dataSet(new TokenBatch(tokens, targets, 1, tokens.length));
        data.setExampleMetaData(List.of(position + " " + id));
        return data;
    }

    /** The position and the id of a sequence. */
    static String place(DataSet sequence) {
        return (String) sequence.getExampleMetaData().get(0);
    }

    /** Makes sequences of rows, which a name and a number identify. */
    sealed interface Reader extends Serializable {
        /** Column of the name. */
        String name();

        /** Column of the number. */
        String number();

        TrainingSequence read(Row row);

        default String id(Row row) {
            return row.getAs(name()) + "/" + row.getAs(number());
        }
    }

    /** Of packed sequences. */
    record Packed() implements Reader {
        @Override
        public String name() {
            return "corpus";
        }

        @Override
        public String number() {
            return "sequence_id";
        }

        @Override
        public TrainingSequence read(Row row) {
            return new TrainingSequence(id(row), Examples.ints(row, "tokens"), 1);
        }
    }

    /**
     * Of examples.
     *
     * @param length most tokens of a sequence; a longer prompt loses its beginning
     * @param onTarget whether only the answer is predicted
     */
    record OfExamples(int length, boolean onTarget) implements Reader {
        @Override
        public String name() {
            return "task";
        }

        @Override
        public String number() {
            return "example_id";
        }

        @Override
        public TrainingSequence read(Row row) {
            int[] target = Examples.ints(row, "target_tokens");
            int[] tokens = Sequences.fit(Examples.ints(row, "prompt_tokens"), target, length);
            return new TrainingSequence(id(row), tokens, onTarget ? tokens.length - target.length : 1);
        }
    }
}
