package dev.uncurl.corpus.row;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.NumericNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import java.math.BigInteger;

/**
 * Limits the number of JSON values in a row, because a tree of many small values takes twenty times the memory of its
 * text. A long string counts as one value.
 */
final class CountingNodeFactory extends JsonNodeFactory {
    private static final long serialVersionUID = 1L;
    static final int LIMIT = 1 << 18;

    private int values;

    private void count() {
        if (++values > LIMIT) {
            throw new TooManyException();
        }
    }

    @Override
    public ObjectNode objectNode() {
        count();
        return super.objectNode();
    }

    @Override
    public ArrayNode arrayNode() {
        count();
        return super.arrayNode();
    }

    @Override
    public TextNode textNode(String text) {
        count();
        return super.textNode(text);
    }

    @Override
    public BooleanNode booleanNode(boolean value) {
        count();
        return super.booleanNode(value);
    }

    @Override
    public NullNode nullNode() {
        count();
        return super.nullNode();
    }

    @Override
    public NumericNode numberNode(int value) {
        count();
        return super.numberNode(value);
    }

    @Override
    public NumericNode numberNode(long value) {
        count();
        return super.numberNode(value);
    }

    @Override
    public NumericNode numberNode(double value) {
        count();
        return super.numberNode(value);
    }

    @Override
    public ValueNode numberNode(BigInteger value) {
        count();
        return super.numberNode(value);
    }

    static final class TooManyException extends RuntimeException {
        static final long serialVersionUID = 1L;

        TooManyException() {
            super(null, null, false, false);
        }
    }
}
