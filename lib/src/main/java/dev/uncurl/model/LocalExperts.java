package dev.uncurl.model;

import dev.uncurl.model.PartClock.Part;

/** The experts of a block in a process that has all of them. */
final class LocalExperts implements BlockExperts {
    private final Experts experts;
    private final PartClock clock;
    private Dispatch dispatch;

    LocalExperts(Experts experts, PartClock clock) {
        this.experts = experts;
        this.clock = clock;
    }

    @Override
    public int room() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void prepare(Dispatch sorted, double[][] counts, int capacity, double[] rooms, Peers peers) {
        dispatch = sorted;
    }

    @Override
    public void forward(Buffers.Block block) {
        experts.forward(dispatch.start, block.dispatched(), block.hidden(), block.activated(), block.expertOutput());
        clock.lap(Part.EXPERTS);
    }

    @Override
    public void backward(Buffers.Block block, Buffers buffers) {
        experts.backward(
                dispatch.start,
                block.dispatched(),
                block.hidden(),
                block.activated(),
                buffers.dExpertOutput,
                buffers.dHidden,
                // the outputs are no longer needed; their memory is reused
                block.expertOutput());
        clock.lap(Part.EXPERTS);
    }

    @Override
    public double[][] sums(int rows, Buffers.Block block, Buffers buffers) {
        double[][] sums = new double[experts.count()][block.dispatched().columns()];
        for (int expert = 0; expert < sums.length && rows > 0; expert++) {
            sums[expert] = experts.expert(expert)
                    .forwardSum(
                            block.dispatched().first(rows),
                            block.hidden().first(rows),
                            block.activated().first(rows),
                            buffers.activatedSum,
                            block.expertOutput().first(1));
        }
        return sums;
    }
}
