package dev.uncurl.tokenizer;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.GptBytePairEncodingParams;
import dev.uncurl.error.UserError;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * GPT-2's byte pair encoding by jtokkit: complete (50,257 ids), or truncated to the 256 bytes, the first merges and
 * {@code <|endoftext|>} as the last id. A merge depends only on earlier merges, so a truncated encoding is the one that
 * GPT-2's training would have produced for that vocabulary size.
 *
 * <p>Creating one takes a few hundred milliseconds; {@link #of} caches one instance per size and JVM.
 */
public final class Gpt2Tokenizer implements Tokenizer {
    /** V of the complete encoding: 256 bytes, 50,000 merges, {@code <|endoftext|>}. */
    public static final int FULL_VOCABULARY = 50_257;

    /** Smallest V: the 256 bytes and {@code <|endoftext|>}, no merges. */
    public static final int SMALLEST_VOCABULARY = 257;

    private static final String END_OF_TEXT = "<|endoftext|>";

    /** GPT-2's pattern for pieces, as in jtokkit's r50k_base. Quantifiers are possessive if backtracking can never match. */
    static final Pattern PIECES = Pattern.compile(
            "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s+(?!\\S)|\\s++",
            Pattern.UNICODE_CHARACTER_CLASS);

    private static final Map<Integer, Gpt2Tokenizer> BY_SIZE = new ConcurrentHashMap<>();

    private final byte[][] bytesOfId;
    private final Encoding encoding;
    /** jtokkit merges each piece; the ids of short pieces are cached per thread. */
    private final ThreadLocal<PieceCache> cache = ThreadLocal.withInitial(() -> new PieceCache(this::encodePiece));

    private final String fingerprint;

    private Gpt2Tokenizer(int vocabularySize) {
        int endOfText = vocabularySize - 1;
        bytesOfId = new byte[vocabularySize][];
        var ranks = new HashMap<byte[], Integer>(2 * endOfText);
        for (int id = 0; id < endOfText; id++) {
            bytesOfId[id] = Gpt2Ranks.bytes(id);
            ranks.put(bytesOfId[id], id);
        }
        bytesOfId[endOfText] = END_OF_TEXT.getBytes(StandardCharsets.UTF_8);
        String name = "gpt2-" + vocabularySize;
        encoding = Encodings.newLazyEncodingRegistry()
                .registerGptBytePairEncoding(
                        new GptBytePairEncodingParams(name, PIECES, ranks, Map.of(END_OF_TEXT, endOfText)))
                .getEncoding(name)
                .orElseThrow();
        fingerprint = name + "-" + digest(bytesOfId).substring(0, 16);
    }

    /** The complete encoding: 50,257 ids, {@code <|endoftext|>} is 50,256. */
    public static Gpt2Tokenizer full() {
        return of(FULL_VOCABULARY);
    }

    /**
     * The tokenizer with this number of ids, complete or truncated.
     *
     * @throws UserError (usage) unless 257 &lt;= vocabularySize &lt;= 50,257
     */
    public static Gpt2Tokenizer of(int vocabularySize) {
        if (vocabularySize < SMALLEST_VOCABULARY || vocabularySize > FULL_VOCABULARY) {
            throw UserError.usage(
                    "vocabulary = " + vocabularySize + " is not possible with GPT-2's encoding",
                    "Set it to " + FULL_VOCABULARY + " (all of it) or to a smaller number, at least "
                            + SMALLEST_VOCABULARY + " (the bytes and " + END_OF_TEXT + ").");
        }
        return BY_SIZE.computeIfAbsent(vocabularySize, Gpt2Tokenizer::new);
    }

    @Override
    public int[] encode(String text) {
        return cache.get().encode(text);
    }

    private int[] encodePiece(String piece) {
        return encoding.encodeOrdinary(piece).toArray();
    }

    @Override
    public String decode(int[] ids) {
        return new String(decodeBytes(ids), StandardCharsets.UTF_8);
    }

    /** The exact bytes of ids; those of {@code <|endoftext|>} are its name. */
    public byte[] decodeBytes(int[] ids) {
        var out = new ByteArrayOutputStream(4 * ids.length + 16);
        for (int id : ids) {
            if (id < 0 || id >= bytesOfId.length) {
                throw new IllegalArgumentException("token id " + id + " is outside 0.." + endOfText());
            }
            out.writeBytes(bytesOfId[id]);
        }
        return out.toByteArray();
    }

    @Override
    public int vocabularySize() {
        return bytesOfId.length;
    }

    @Override
    public int endOfText() {
        return bytesOfId.length - 1;
    }

    @Override
    public String fingerprint() {
        return fingerprint;
    }

    /** SHA-256 over all ids in order: for each id the number of its bytes (4 bytes, big-endian) and its bytes. */
    private static String digest(byte[][] bytesOfId) {
        var sha = DigestUtils.getSha256Digest();
        for (byte[] bytes : bytesOfId) {
            sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
            sha.update(bytes);
        }
        return Hex.encodeHexString(sha.digest());
    }
}
