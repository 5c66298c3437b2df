package dev.uncurl.jobs.warehouse;

import dev.uncurl.error.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.spark.SparkSchemaUtil;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Adds to a table of an earlier release what its definition has gained since: nullable columns, in their places and with
 * their comments, and properties that the table does not set. Properties that it does set are unchanged.
 */
final class TableUpgrade {
    /** Attempts to commit against concurrent changes. */
    private static final int ATTEMPTS = 10;

    private final UncurlTable table;
    private final StructType wanted;
    private final Map<String, String> properties;

    /**
     * @param wanted columns of the definition
     * @param properties of the definition
     */
    TableUpgrade(UncurlTable table, StructType wanted, Map<String, String> properties) {
        this.table = table;
        this.wanted = wanted;
        this.properties = new TreeMap<>(properties);
        this.properties.remove("format-version"); // a property only in SQL
    }

    /** @throws UserError (input) when the table differs in anything else */
    void apply(Table iceberg) {
        for (int attempt = 1; ; attempt++) {
            try {
                addColumns(iceberg);
                addProperties(iceberg);
                return;
            } catch (CommitFailedException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                iceberg.refresh(); // another process may have made the same change
            }
        }
    }

    private void addColumns(Table iceberg) {
        List<StructField> missing = missing(SparkSchemaUtil.convert(iceberg.schema()));
        if (missing.isEmpty()) {
            return;
        }
        List<String> names = Arrays.asList(wanted.fieldNames());
        UpdateSchema update = iceberg.updateSchema();
        for (StructField field : missing) {
            var type = SparkSchemaUtil.convert(new StructType().add(field))
                    .columns()
                    .get(0)
                    .type();
            String comment = field.getComment().getOrElse(() -> null);
            update.addColumn(field.name(), type, comment);
            int place = names.indexOf(field.name());
            if (place == 0) {
                update.moveFirst(field.name());
            } else {
                update.moveAfter(field.name(), names.get(place - 1));
            }
        }
        update.commit();
        System.err.println("Table " + table.id() + " of an earlier release was given the columns "
                + missing.stream().map(StructField::name).toList() + "; they are null in its rows.");
    }

    /** Missing nullable columns; checks that there is no other difference. */
    private List<StructField> missing(StructType there) {
        var missing = new ArrayList<StructField>();
        var differences = new ArrayList<String>();
        int next = 0;
        for (StructField field : wanted.fields()) {
            boolean has = Arrays.asList(there.fieldNames()).contains(field.name());
            if (!has && field.nullable()) {
                missing.add(field);
            } else if (!has) {
                differences.add("column " + field.name() + " is missing and must have values");
            } else if (next >= there.length() || !there.fields()[next].name().equals(field.name())) {
                differences.add("column " + field.name() + " is in another place");
            } else if (!sameType(there.fields()[next++], field)) {
                differences.add("column " + field.name() + " is "
                        + there.apply(field.name()).dataType().catalogString() + ", not "
                        + field.dataType().catalogString());
            }
        }
        for (StructField field : there.fields()) {
            if (!Arrays.asList(wanted.fieldNames()).contains(field.name())) {
                differences.add("column " + field.name() + " is not known");
            }
        }
        if (!differences.isEmpty()) {
            throw UserError.input(
                    "Table " + table.id() + " of this warehouse was made by another release of Uncurl: "
                            + String.join(", ", differences),
                    "Create its rows again in another warehouse:  jobs/submit " + table.command()
                            + " --warehouse NEW-FOLDER . The release that made this one can still read it.");
        }
        return missing;
    }

    private static boolean sameType(StructField there, StructField wanted) {
        return there.dataType().catalogString().equals(wanted.dataType().catalogString());
    }

    private void addProperties(Table iceberg) {
        var missing = new TreeMap<>(properties);
        missing.keySet().removeAll(iceberg.properties().keySet());
        if (!missing.isEmpty()) {
            UpdateProperties update = iceberg.updateProperties();
            missing.forEach(update::set);
            update.commit();
            System.err.println(
                    "Table " + table.id() + " of an earlier release was given the properties " + missing + ".");
        }
    }
}
