package dev.uncurl.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** The oracle: byte pair encoding as its definition reads. Merge the pair of lowest rank, leftmost first, until none. */
final class NaiveBytePairEncoding {
    private static final Map<String, Integer> RANKS = new HashMap<>();

    static {
        for (int id = 0; id < Gpt2Tokenizer.FULL_VOCABULARY - 1; id++) {
            RANKS.put(HexFormat.of().formatHex(Gpt2Ranks.bytes(id)), id);
        }
    }

    private NaiveBytePairEncoding() {}

    /** @param ids how many ordinary ids there are; those from there on are not merged into */
    static int[] encode(String text, int ids) {
        // GPT-2's own wording of the split; the same flag as Python's regex module has by default
        var pieces = Pattern.compile(
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                Pattern.UNICODE_CHARACTER_CLASS);
        var out = new ArrayList<Integer>();
        var matcher = pieces.matcher(text);
        while (matcher.find()) {
            out.addAll(piece(matcher.group().getBytes(StandardCharsets.UTF_8), ids));
        }
        return out.stream().mapToInt(Integer::intValue).toArray();
    }

    private static List<Integer> piece(byte[] bytes, int ids) {
        var parts = new ArrayList<String>();
        for (byte b : bytes) {
            parts.add(HexFormat.of().toHexDigits(b));
        }
        while (true) {
            int best = -1;
            int bestRank = ids;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = RANKS.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
                if (rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                return parts.stream().map(RANKS::get).toList();
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
    }
}
