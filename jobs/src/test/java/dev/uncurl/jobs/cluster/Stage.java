package dev.uncurl.jobs.cluster;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import scala.collection.Iterator;
import scala.collection.JavaConverters;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction1;

/** A barrier stage with a task for each rank. */
final class Stage {
    /** What a task does. */
    interface Work extends Serializable {
        String run(BarrierTaskContext task) throws Exception;
    }

    private static final class OfTask extends AbstractFunction1<Iterator<Integer>, Iterator<String>>
            implements Serializable {
        private static final long serialVersionUID = 1L;

        private final Work work;

        OfTask(Work work) {
            this.work = work;
        }

        @Override
        public Iterator<String> apply(Iterator<Integer> rank) {
            try {
                return JavaConverters.asScalaIteratorConverter(
                                List.of(work.run(BarrierTaskContext.get())).iterator())
                        .asScala();
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException("A rank failed", e);
            }
        }
    }

    private Stage() {}

    /** @return [ranks] */
    static List<String> run(JavaSparkContext context, int ranks, Work work) {
        return context.parallelize(IntStream.range(0, ranks).boxed().toList(), ranks)
                .rdd()
                .barrier()
                .mapPartitions(new OfTask(work), false, ClassTag$.MODULE$.<String>apply(String.class))
                .toJavaRDD()
                .collect();
    }
}
