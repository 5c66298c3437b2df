package dev.uncurl.jobs;

import static org.apache.spark.sql.functions.col;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.collection.JavaConverters;

/** Rows of corpus.examples as the model sees them. */
final class Examples {
    private Examples() {}

    /** Examples of a task, or of all tasks under a name: {@code flan} has those of {@code flan/cot_creak}. */
    static Dataset<Row> of(Warehouse warehouse, String task, String split) {
        return warehouse
                .table(Tables.EXAMPLES)
                .where(col("task").equalTo(task).or(col("task").startsWith(task + "/")))
                .where(col("split").equalTo(split));
    }

    static int[] ints(Row row, String column) {
        List<Integer> values = row.getList(row.fieldIndex(column));
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    /** The possible answers of a row; none for free text. */
    static List<int[]> choices(Row row) {
        int column = row.fieldIndex("choices");
        if (row.isNullAt(column)) {
            return List.of();
        }
        var choices = new ArrayList<int[]>();
        for (scala.collection.Seq<Integer> choice : row.<scala.collection.Seq<Integer>>getList(column)) {
            choices.add(JavaConverters.seqAsJavaList(choice).stream()
                    .mapToInt(Integer::intValue)
                    .toArray());
        }
        return choices;
    }
}
