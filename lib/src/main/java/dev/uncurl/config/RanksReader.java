package dev.uncurl.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import java.io.IOException;

/** Reads a number of ranks, or the word for as many as there are slots. */
final class RanksReader extends StdDeserializer<Integer> {
    static final String AUTO = "auto";

    private static final long serialVersionUID = 1L;

    RanksReader() {
        super(Integer.class);
    }

    @Override
    public Integer deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        if (parser.getText().equals(AUTO)) {
            return TrainConfig.AUTO;
        }
        int ranks = _parseIntPrimitive(parser, context);
        Range.RANKS.check(ranks); // 0 is not a way to write auto
        return ranks;
    }
}
