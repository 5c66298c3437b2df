package dev.uncurl.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The YAML of conf for Kubernetes fits the kinds that it names, to the last key. */
class KubernetesFilesTest {
    private static final Path CONF = Path.of("../conf");
    private static final String CRON_JOB = "schedule/cronjob.yaml";
    private static final String SPARK = "schedule/scheduledsparkapplication.yaml";
    private static final String ARGO = "schedule/cronworkflow.yaml";
    private static final String EXECUTOR = "spark/kubernetes-executor.yaml";

    /** Objects whose keys are the user's. */
    private static final Set<String> FREE = Set.of("sparkConf", "nodeSelector");

    private static <T> T read(String file, int document, Class<T> type) throws IOException {
        return type.cast(KubernetesKinds.read(
                KubernetesKinds.documents(CONF.resolve(file)).get(document)));
    }

    private record Place(String key, ObjectNode in) {}

    private static void keys(JsonNode node, String name, List<Place> all) {
        if (node instanceof ObjectNode object && !FREE.contains(name)) {
            object.fieldNames().forEachRemaining(key -> all.add(new Place(key, object)));
        }
        node.fields().forEachRemaining(field -> keys(field.getValue(), field.getKey(), all));
        if (node.isArray()) {
            node.forEach(item -> keys(item, "", all));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {CRON_JOB, SPARK, ARGO, EXECUTOR})
    void aFileFitsItsKindAndNoLongerWhenAnyKeyIsMisspelt(String file) throws IOException {
        for (JsonNode document : KubernetesKinds.documents(CONF.resolve(file))) {
            KubernetesKinds.read(document);
            var places = new ArrayList<Place>();
            keys(document, "", places);
            assertThat(places).hasSizeGreaterThan(5);
            for (Place place : places) {
                JsonNode value = place.in.remove(place.key);
                place.in.set(place.key + "s", value);
                assertThatThrownBy(() -> KubernetesKinds.read(document))
                        .as(file + ": " + place.key + "s")
                        .isInstanceOf(IOException.class);
                place.in.remove(place.key + "s");
                place.in.set(place.key, value);
            }
            KubernetesKinds.read(document);
        }
    }

    @Test
    void keysThatAreThereTwiceAndValuesOfAnotherTypeAreRefused() throws IOException {
        String text = Files.readString(CONF.resolve(SPARK));
        assertThatThrownBy(() -> KubernetesKinds.STRICT.readTree(text.replace("mode: cluster", "image: a")))
                .isInstanceOf(JsonParseException.class)
                .hasMessageContaining("image");
        for (String wrong : List.of("cores: one", "cores: \"1\"", "cores: [1]")) {
            JsonNode changed = KubernetesKinds.STRICT.readTree(text.replace("cores: 1", wrong));
            assertThatThrownBy(() -> KubernetesKinds.read(changed)).as(wrong).isInstanceOf(JsonMappingException.class);
        }
        JsonNode policy = KubernetesKinds.STRICT.readTree(text.replace("Forbid", "Forbids"));
        assertThatThrownBy(() -> KubernetesKinds.read(policy)).isInstanceOf(JsonMappingException.class);
    }

    @Test
    void everyObjectRunsOnceANightAndNeverTwiceAtOnce() throws IOException {
        var job = read(CRON_JOB, 0, CronJob.class).getSpec();
        assertThat(job.getConcurrencyPolicy()).isEqualTo("Forbid");
        assertThat(job.getJobTemplate().getSpec().getTemplate().getSpec().getRestartPolicy())
                .isEqualTo("Never");
        var spark =
                read(SPARK, 0, KubernetesKinds.ScheduledSparkApplication.class).spec();
        assertThat(spark.concurrencyPolicy()).isEqualTo(KubernetesKinds.Concurrency.Forbid);
        var argo = read(ARGO, 1, KubernetesKinds.CronWorkflow.class).spec();
        assertThat(argo.concurrencyPolicy()).isEqualTo(KubernetesKinds.Concurrency.Forbid);
        assertThat(argo.schedules()).hasSize(1);
        var schedules =
                List.of(job.getSchedule(), spark.schedule(), argo.schedules().get(0));
        schedules.forEach(schedule ->
                assertThat(CronExpression.of(schedule).timesADay()).as(schedule).isEqualTo(1));
        assertThat(argo.workflowSpec().workflowTemplateRef().name())
                .isEqualTo(read(ARGO, 0, KubernetesKinds.WorkflowTemplate.class)
                        .metadata()
                        .getName());
    }

    /** The Spark operator has its own keys for what is not in sparkConf. */
    @Test
    void theSparkOperatorsApplicationIsThatOfTheConfigurationForKubernetes() throws IOException {
        var wanted = new Properties();
        try (var reader = Files.newBufferedReader(CONF.resolve("spark/kubernetes.conf"))) {
            wanted.load(reader);
        }
        var application = read(SPARK, 0, KubernetesKinds.ScheduledSparkApplication.class)
                .spec()
                .template();
        application.sparkConf().forEach((key, value) -> assertThat(value)
                .as(key)
                .isEqualTo(wanted.getProperty(key).strip()));
        Map<String, Object> own = Map.of(
                "spark.driver.memory", application.driver().memory(),
                "spark.kubernetes.authenticate.driver.serviceAccountName",
                        application.driver().serviceAccount(),
                "spark.executor.instances", application.executor().instances(),
                "spark.executor.cores", application.executor().cores(),
                "spark.executor.memory", application.executor().memory(),
                "spark.executor.memoryOverhead", application.executor().memoryOverhead(),
                "spark.kubernetes.executor.limit.cores", application.executor().coreLimit());
        own.forEach((key, value) -> assertThat(value.toString())
                .as(key)
                .isEqualTo(wanted.getProperty(key).strip()));
        var elsewhere = Set.of(
                "spark.kubernetes.container.image",
                "spark.kubernetes.namespace",
                "spark.kubernetes.executor.podTemplateFile",
                "spark.kubernetes.executor.request.cores"); // image, metadata, nodeSelector, cores
        wanted.stringPropertyNames().forEach(key -> assertThat(
                        application.sparkConf().containsKey(key) || own.containsKey(key) || elsewhere.contains(key))
                .as(key)
                .isTrue());
        Pod executor = read(EXECUTOR, 0, Pod.class);
        assertThat(application.executor().nodeSelector())
                .isEqualTo(executor.getSpec().getNodeSelector());
        assertThat(executor.getSpec().getContainers()).hasSize(1);
    }
}
