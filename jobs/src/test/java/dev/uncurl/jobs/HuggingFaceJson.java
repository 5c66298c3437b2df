package dev.uncurl.jobs;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.uncurl.tokenizer.Gpt2Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** GPT-2 as a tokenizer.json, from jtokkit's ranks: each rank's bytes parted into the two that merge to it. */
public final class HuggingFaceJson {
    private HuggingFaceJson() {}

    public static String gpt2() throws IOException {
        var tokenizer = Gpt2Tokenizer.full();
        String[] byteNames = byteNames();
        var ids = new HashMap<String, Integer>();
        var merges = new ArrayList<String>();
        var vocabulary = new LinkedHashMap<String, Integer>();
        for (int id = 0; id < tokenizer.endOfText(); id++) {
            var name = new StringBuilder();
            for (byte b : tokenizer.decodeBytes(new int[] {id})) {
                name.append(byteNames[b & 255]);
            }
            vocabulary.put(name.toString(), id);
            if (id >= 256) {
                merges.add(merge(name.toString(), ids));
            }
            ids.put(name.toString(), id);
        }
        vocabulary.put("<|endoftext|>", tokenizer.endOfText());
        var model = new LinkedHashMap<String, Object>();
        model.put("type", "BPE");
        model.put("vocab", vocabulary);
        model.put("merges", merges);
        var json = new LinkedHashMap<String, Object>();
        json.put("version", "1.0");
        json.put("added_tokens", Collections.emptyList());
        json.put(
                "pre_tokenizer",
                Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", true));
        json.put("decoder", Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true));
        json.put("model", model);
        return JsonMapper.builder().build().writeValueAsString(json);
    }

    /** The two parts that the merge of this rank joins: what byte pair encoding with the earlier ranks makes of it. */
    private static String merge(String name, Map<String, Integer> ids) {
        var parts = new ArrayList<String>();
        name.codePoints().forEach(c -> parts.add(Character.toString(c)));
        while (parts.size() > 2) {
            int at = -1;
            int lowest = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = ids.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
                if (rank < lowest) {
                    lowest = rank;
                    at = i;
                }
            }
            parts.set(at, parts.get(at) + parts.remove(at + 1));
        }
        return parts.get(0) + " " + parts.get(1);
    }

    /** GPT-2's printable stand-ins for bytes. */
    private static String[] byteNames() {
        var names = new String[256];
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
            names[b] = Character.toString(printable ? b : next++);
        }
        return names;
    }
}
