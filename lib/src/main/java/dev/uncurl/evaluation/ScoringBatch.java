package dev.uncurl.evaluation;

import dev.uncurl.evaluation.PassTree.Pass;
import dev.uncurl.evaluation.PassTree.Piece;
import dev.uncurl.model.BranchedBatch;
import dev.uncurl.model.BranchedBatch.Segment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Pieces of trees as one batch of the model, with the place of each pass's predictions in its result. */
final class ScoringBatch {
    /** The predictions of a pass. @param index in the batch's result, in the order of positions */
    record Predictions(Pass pass, int[] index) {}

    private final IntStream.Builder tokens = IntStream.builder();
    private final List<Segment> segments = new ArrayList<>();
    private final IntStream.Builder rows = IntStream.builder();
    private final IntStream.Builder targets = IntStream.builder();
    /** Index of a prediction by its row and target, since several passes may ask for the same one. */
    private final Map<Long, Integer> predictions = new HashMap<>();

    private final List<Predictions> passes = new ArrayList<>();
    private int size;

    /** Number of tokens. */
    int size() {
        return size;
    }

    void add(Piece piece) {
        int trunk = piece.trunk();
        int base = size;
        int root = segments.size();
        append(piece.tree().leaves().get(piece.leaves().get(0)), 0, trunk, new Segment(size, trunk, 0, 0));
        for (int leaf : piece.leaves()) {
            int[] input = piece.tree().leaves().get(leaf);
            int branch = size - trunk;
            if (input.length > trunk) {
                append(input, trunk, input.length, new Segment(size, input.length - trunk, root, trunk));
            }
            for (int pass = 0; pass < piece.tree().passes().size(); pass++) {
                if (piece.tree().leafOf()[pass] == leaf) {
                    predict(piece.tree().passes().get(pass), trunk, base, branch);
                }
            }
        }
    }

    private void append(int[] input, int from, int to, Segment segment) {
        for (int i = from; i < to; i++) {
            tokens.add(input[i]);
        }
        segments.add(segment);
        size += to - from;
    }

    /**
     * @param base row of position 0
     * @param branch row of position 0 if the branch's rows began there; the positions from {@code trunk} on are its own
     */
    private void predict(Pass pass, int trunk, int base, int branch) {
        int first = pass.firstPredicted();
        int[] index = new int[pass.tokens().length - first];
        for (int i = 0; i < index.length; i++) {
            int position = first + i - 1;
            int row = (position < trunk ? base : branch) + position;
            int target = pass.tokens()[first + i];
            Integer known = predictions.putIfAbsent((long) row << 32 | target, predictions.size());
            index[i] = known == null ? predictions.size() - 1 : known;
            if (known == null) {
                rows.add(row);
                targets.add(target);
            }
        }
        passes.add(new Predictions(pass, index));
    }

    BranchedBatch toBatch() {
        return new BranchedBatch(
                tokens.build().toArray(),
                segments,
                rows.build().toArray(),
                targets.build().toArray());
    }

    List<Predictions> passes() {
        return passes;
    }
}
