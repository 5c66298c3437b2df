package dev.uncurl.dl4j;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.uncurl.config.Settings;
import dev.uncurl.model.spec.ModelConfig;
import dev.uncurl.model.spec.MoeLayer;
import java.util.ArrayList;
import java.util.TreeMap;

/** The JSON of a model's configuration. Unlike settings, it can also describe models whose blocks differ. */
final class ModelJson {
    private static final ObjectMapper JSON = new ObjectMapper();

    private ModelJson() {}

    static String write(ModelConfig config) {
        return Settings.json(config);
    }

    static ModelConfig read(String json) {
        try {
            var root = (ObjectNode) JSON.readTree(json);
            var moe = (ObjectNode) root.get("moe");
            JsonNode byLayer = moe.remove("by-layer");
            if (byLayer == null) {
                return Settings.read(root.toString(), ModelConfig.class);
            }
            // a mapped router can have more choices than its block has experts; withMoeLayers sets both numbers
            int choices = moe.get("top-k").intValue();
            moe.put("experts", Math.max(choices, moe.get("experts").intValue()));
            return Settings.read(root.toString(), ModelConfig.class).withMoeLayers(layers(byLayer));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("Not a valid model configuration: " + json, e);
        }
    }

    private static TreeMap<Integer, MoeLayer> layers(JsonNode byLayer) {
        var layers = new TreeMap<Integer, MoeLayer>();
        byLayer.fields().forEachRemaining(entry -> {
            var map = new ArrayList<Integer>();
            entry.getValue().path("router-map").forEach(expert -> map.add(expert.intValue()));
            layers.put(
                    Integer.valueOf(entry.getKey()),
                    new MoeLayer(entry.getValue().get("experts").intValue(), map));
        });
        return layers;
    }
}
