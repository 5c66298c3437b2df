package dev.uncurl.jobs.warehouse;

import dev.uncurl.checkpoint.ObjectStore;
import dev.uncurl.error.UserError;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/**
 * The catalog {@code uncurl} of a session, which has the tables of a warehouse: by default Iceberg's Hadoop catalog in the folder
 * {@code tables/}, else what {@code spark.sql.catalog.uncurl} says.
 */
final class SessionCatalog {
    /**
     * Spark's dynamic partition pruning. It plans the left side of a join once more for each partitioned table on the right: a view
     * that joins a dozen small tables, such as cell_settings, then takes minutes and a gigabyte.
     */
    private static final String COPIES = "spark.sql.optimizer.dynamicPartitionPruning.enabled";

    private static final String KEY = "spark.sql.catalog." + UncurlTable.CATALOG;
    private static final String TYPE = KEY + ".type";
    private static final String PLACE = KEY + ".warehouse";

    private SessionCatalog() {}

    static String location(Path root) {
        return new Path(root, "tables").toString();
    }

    /** This session, or a new one of the same Spark application if this one is used for another warehouse. */
    static SparkSession session(SparkSession spark, String location) {
        boolean elsewhere = isHadoop(spark) && !location.equals(spark.conf().get(PLACE, ""));
        SparkSession session = elsewhere ? spark.newSession() : spark;
        SparkSession.setActiveSession(session);
        SparkSession.setDefaultSession(session);
        return session;
    }

    static boolean isHadoop(SparkSession spark) {
        return "hadoop".equals(spark.conf().get(TYPE, ""));
    }

    /** Folder of Iceberg's Hadoop catalog. */
    static Path place(SparkSession spark) {
        return new Path(spark.conf().get(PLACE));
    }

    /** @throws UserError (usage) for a catalog that can lose commits */
    static void use(SparkSession spark, Path root) {
        spark.conf().set("spark.sql.session.timeZone", "UTC");
        if (!spark.conf().contains(COPIES)) {
            spark.conf().set(COPIES, false);
        }
        if (!spark.conf().contains(KEY)) {
            spark.conf().set(KEY, "org.apache.iceberg.spark.SparkCatalog");
            spark.conf().set(TYPE, "hadoop");
            spark.conf().set(PLACE, location(root));
        }
        if (!spark.conf().contains(PLACE) && "jdbc".equals(spark.conf().get(TYPE, ""))) {
            spark.conf().set(PLACE, location(root));
        }
        if (isHadoop(spark)) {
            requireRenames(place(spark));
        }
        spark.catalog().setCurrentCatalog(UncurlTable.CATALOG);
    }

    private static void requireRenames(Path tables) {
        if (ObjectStore.is(tables)) {
            throw UserError.usage(
                    "The tables would be in " + tables
                            + ", in Iceberg's Hadoop catalog, which commits by renaming a file. An"
                            + " object store has no atomic rename, so one of two commits could be lost",
                    "Use Iceberg's JDBC or REST catalog: jobs/submit --properties-file with the lines of"
                            + " conf/spark/jdbc-catalog.conf.");
        }
    }
}
