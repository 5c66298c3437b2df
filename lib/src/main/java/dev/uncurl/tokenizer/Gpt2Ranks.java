package dev.uncurl.tokenizer;

import com.knuddels.jtokkit.api.Encoding;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/** The bytes of each of GPT-2's 50,256 ordinary ids, from jtokkit's rank file: lines of base64 bytes and rank. */
final class Gpt2Ranks {
    private static final String FILE = "/com/knuddels/jtokkit/r50k_base.tiktoken";
    private static final byte[][] BYTES = load();

    private Gpt2Ranks() {}

    static byte[] bytes(int id) {
        return BYTES[id];
    }

    private static byte[][] load() {
        var bytes = new byte[Gpt2Tokenizer.FULL_VOCABULARY - 1][];
        try (var in = Encoding.class.getResourceAsStream(FILE)) {
            if (in == null) {
                throw new IllegalStateException(FILE + " of jtokkit is not on the class path");
            }
            var lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int space = line.indexOf(' ');
                bytes[Integer.parseInt(line.substring(space + 1))] =
                        Base64.getDecoder().decode(line.substring(0, space));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(FILE, e);
        }
        return bytes;
    }
}
