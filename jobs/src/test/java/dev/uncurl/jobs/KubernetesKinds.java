package dev.uncurl.jobs;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.batch.v1.CronJob;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Kubernetes' objects, read strictly: unknown keys, keys that are there twice and values of another type are errors. Those of
 * Kubernetes itself are the classes that are generated from its API; of the custom ones, the fields that conf/schedule uses, with
 * the types of their published definitions.
 */
final class KubernetesKinds {
    static final YAMLMapper STRICT = YAMLMapper.builder(YAMLFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build())
            .annotationIntrospector(new NothingElse())
            .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .build();

    private KubernetesKinds() {}

    /** Without the methods of the generated classes that take every other key. */
    private static final class NothingElse extends JacksonAnnotationIntrospector {
        private static final long serialVersionUID = 1L;

        @Override
        public Boolean hasAnySetter(Annotated method) {
            return false;
        }
    }

    /** The documents of a file. */
    static List<JsonNode> documents(Path file) throws IOException {
        var all = new ArrayList<JsonNode>();
        try (var values = STRICT.readerFor(JsonNode.class).<JsonNode>readValues(Files.readString(file))) {
            values.forEachRemaining(all::add);
        }
        return all;
    }

    /** @throws com.fasterxml.jackson.core.JsonProcessingException for a document that does not fit its kind */
    static Object read(JsonNode document) throws IOException {
        String kind = document.path("apiVersion").asText() + " "
                + document.path("kind").asText();
        Class<?> type =
                switch (kind) {
                    case "batch/v1 CronJob" -> CronJob.class;
                    case "v1 Pod" -> Pod.class;
                    case "sparkoperator.k8s.io/v1beta2 ScheduledSparkApplication" -> ScheduledSparkApplication.class;
                    case "argoproj.io/v1alpha1 WorkflowTemplate" -> WorkflowTemplate.class;
                    case "argoproj.io/v1alpha1 CronWorkflow" -> CronWorkflow.class;
                    default -> throw new IOException("No kind is known as " + kind);
                };
        return STRICT.treeToValue(document, type);
    }

    enum Concurrency {
        Allow,
        Forbid,
        Replace
    }

    record ScheduledSparkApplication(
            @JsonProperty(required = true) String apiVersion,
            @JsonProperty(required = true) String kind,
            @JsonProperty(required = true) ObjectMeta metadata,
            @JsonProperty(required = true) ScheduledSpec spec) {}

    record ScheduledSpec(
            @JsonProperty(required = true) String schedule,
            Concurrency concurrencyPolicy,
            Integer successfulRunHistoryLimit,
            Integer failedRunHistoryLimit,
            @JsonProperty(required = true) SparkApplication template) {}

    enum Language {
        Java,
        Scala,
        Python,
        R
    }

    enum Mode {
        cluster,
        client
    }

    record SparkApplication(
            @JsonProperty(required = true) Language type,
            Mode mode,
            @JsonProperty(required = true) String sparkVersion,
            String image,
            String imagePullPolicy,
            String mainClass,
            @JsonProperty(required = true) String mainApplicationFile,
            List<String> arguments,
            Map<String, String> sparkConf,
            RestartPolicy restartPolicy,
            @JsonProperty(required = true) Driver driver,
            @JsonProperty(required = true) Executor executor) {}

    enum Restart {
        Never,
        OnFailure,
        Always
    }

    record RestartPolicy(
            Restart type,
            Integer onFailureRetries,
            Long onFailureRetryInterval,
            Integer onSubmissionFailureRetries,
            Long onSubmissionFailureRetryInterval) {}

    record Driver(Integer cores, String memory, String serviceAccount) {}

    record Executor(
            Integer instances,
            Integer cores,
            String coreLimit,
            String memory,
            String memoryOverhead,
            Map<String, String> nodeSelector) {}

    record WorkflowTemplate(
            @JsonProperty(required = true) String apiVersion,
            @JsonProperty(required = true) String kind,
            @JsonProperty(required = true) ObjectMeta metadata,
            @JsonProperty(required = true) Workflow spec) {}

    record Workflow(
            String entrypoint,
            Parameters arguments,
            List<Template> templates,
            List<Volume> volumes,
            TemplateReference workflowTemplateRef) {}

    record TemplateReference(@JsonProperty(required = true) String name) {}

    record Parameters(List<Parameter> parameters) {}

    record Parameter(@JsonProperty(required = true) String name, String value) {}

    record Template(
            @JsonProperty(required = true) String name,
            Parameters inputs,
            RetryStrategy retryStrategy,
            Container container) {}

    enum RetryPolicy {
        Always,
        OnFailure,
        OnError,
        OnTransientError
    }

    record RetryStrategy(String limit, RetryPolicy retryPolicy, Backoff backoff) {}

    record Backoff(String duration) {}

    record CronWorkflow(
            @JsonProperty(required = true) String apiVersion,
            @JsonProperty(required = true) String kind,
            @JsonProperty(required = true) ObjectMeta metadata,
            @JsonProperty(required = true) CronSpec spec) {}

    record CronSpec(
            @JsonProperty(required = true) List<String> schedules,
            String timezone,
            Concurrency concurrencyPolicy,
            Long startingDeadlineSeconds,
            Integer successfulJobsHistoryLimit,
            Integer failedJobsHistoryLimit,
            @JsonProperty(required = true) Workflow workflowSpec) {}
}
