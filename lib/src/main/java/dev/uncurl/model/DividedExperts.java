package dev.uncurl.model;

import dev.uncurl.error.UserError;
import dev.uncurl.kernel.Kernels;
import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.PartClock.Part;
import dev.uncurl.model.spec.ExpertShare;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The experts of a block that the ranks of a group hold together. A rank's rows, sorted by expert, go to the ranks that hold the
 * experts, and the outputs come back; in the backward pass gradients take the same ways. An expert gets its rows in the order of
 * ranks and tokens, so that its sums have the same order in any run.
 */
final class DividedExperts implements BlockExperts {
    private final Kernels kernels;
    private final int layer;
    private final int expertCount;
    private final ExpertMemory memory;
    private final ExpertShare share;
    private final PartClock clock;
    private final Experts own;
    /** [members] rows to and from each rank of the group. */
    private final int[] sent;

    private final int[] received;
    /** [own experts + 1] rows of each expert of this rank. */
    private final int[] start;
    /** [M] place on the wire of each row in the order of experts. */
    private int[] place = new int[0];
    /** [M] place in the order of experts of each row on the wire. */
    private int[] inverse = new int[0];

    private Peers peers = Peers.NONE;

    /** @param expertCount E of the block */
    DividedExperts(
            Kernels kernels,
            Parameter.Source source,
            int layer,
            int expertCount,
            ExpertMemory memory,
            PartClock clock) {
        this.kernels = kernels;
        this.layer = layer;
        this.expertCount = expertCount;
        this.memory = memory;
        this.clock = clock;
        share = memory.share();
        own = new Experts(kernels, source, layer, share.from(expertCount), share.to(expertCount));
        sent = new int[share.parts()];
        received = new int[share.parts()];
        start = new int[own.count() + 1];
    }

    @Override
    public int room() {
        return memory.room(layer);
    }

    @Override
    public void prepare(Dispatch dispatch, double[][] counts, int capacity, double[] rooms, Peers ofBatch) {
        peers = ofBatch;
        int first = firstOfGroup();
        int[][] kept = dispatch.kept(counts, capacity);
        makeRoom(kept, rooms);
        for (int member = 0; member < share.parts(); member++) {
            sent[member] = rows(kept[peers.rank()], member);
            received[member] = rows(kept[first + member], share.part());
        }
        int[] next = new int[share.parts()];
        for (int member = 1; member < next.length; member++) {
            next[member] = next[member - 1] + received[member - 1];
        }
        int rows = Arrays.stream(received).sum();
        if (place.length < rows) {
            place = new int[rows + rows / 4];
            inverse = new int[place.length];
        }
        int at = 0;
        for (int expert = 0; expert < own.count(); expert++) {
            start[expert] = at;
            for (int member = 0; member < next.length; member++) {
                for (int i = 0; i < kept[first + member][share.from(expertCount) + expert]; i++) {
                    inverse[next[member]] = at;
                    place[at++] = next[member]++;
                }
            }
        }
        start[own.count()] = at;
    }

    private int firstOfGroup() {
        if (peers == Peers.NONE) {
            throw new IllegalStateException("The experts of this model are divided: a pass needs the other ranks");
        }
        int first = peers.rank() - share.part();
        if (first < 0 || first % share.parts() != 0) {
            throw new IllegalStateException("Rank " + peers.rank() + " has part " + share.part() + " of "
                    + share.parts() + ", which belongs to another rank");
        }
        return first;
    }

    /** Rows of a rank whose expert another member of its group has. @param kept [E] rows of the rank by expert */
    private int rows(int[] kept, int member) {
        return IntStream.range(share.begin(member, expertCount), share.begin(member + 1, expertCount))
                .map(expert -> kept[expert])
                .sum();
    }

    /** All ranks come to the same result, so that all of them fail if one cannot take its rows. */
    private void makeRoom(int[][] kept, double[] rooms) {
        int[] needed = new int[kept.length];
        for (int rank = 0; rank < kept.length; rank++) {
            int part = rank % share.parts();
            for (int member = rank - part; member < rank - part + share.parts(); member++) {
                needed[rank] = Math.addExact(needed[rank], rows(kept[member], part));
            }
        }
        makeRoom(needed, rooms);
    }

    /**
     * Takes memory on the ranks that have too little.
     *
     * @param needed [ranks] rows
     * @param rooms [ranks] rows for which there is room
     * @throws UserError (usage) on every rank if one has too little memory
     */
    private void makeRoom(int[] needed, double[] rooms) {
        if (IntStream.range(0, needed.length).allMatch(rank -> needed[rank] <= rooms[rank] && rooms[rank] > 0)) {
            return;
        }
        int rank = peers.rank();
        boolean enough = needed[rank] <= rooms[rank] && rooms[rank] > 0;
        String refusal = enough ? null : memory.grow(layer, Math.max(1, needed[rank]));
        double[][] all = peers.gather(new double[] {refusal == null ? 1 : 0});
        for (int other = 0; other < all.length; other++) {
            if (all[other][0] == 0) {
                throw UserError.usage(
                        "The router of block " + layer + " sends " + needed[other] + " rows to the experts of rank "
                                + other + ", which cannot take the memory"
                                + (other == rank ? ": it needs " + refusal : ""),
                        "Make the batch or micro-batch smaller, or raise UNCURL_OFFHEAP of jobs/submit"
                                + " (-Dorg.bytedeco.javacpp.maxbytes); in training moe.capacity-factor limits the rows"
                                + " of an expert.");
            }
        }
    }

    private int rows() {
        return start[own.count()];
    }

    @Override
    public void forward(Buffers.Block block) {
        exchange(block.dispatched(), sent, memory.wire(), received);
        Matrix x = memory.inputs(layer).first(rows());
        kernels.gatherScatter().gather(memory.wire().first(rows()), place, null, x);
        clock.lap(Part.DISPATCH);
        own.forward(start, x, memory.hidden(layer), memory.activated(layer), memory.outputs());
        clock.lap(Part.EXPERTS);
        sendBack(memory.outputs(), block.expertOutput());
    }

    @Override
    public void backward(Buffers.Block block, Buffers buffers) {
        exchange(buffers.dExpertOutput, sent, memory.wire(), received);
        Matrix dy = memory.outputs().first(rows());
        kernels.gatherScatter().gather(memory.wire().first(rows()), place, null, dy);
        clock.lap(Part.DISPATCH);
        // an expert needs its inputs no longer when it writes their gradients
        Matrix x = memory.inputs(layer);
        own.backward(start, x, memory.hidden(layer), memory.activated(layer), dy, memory.dHidden(), x);
        clock.lap(Part.EXPERTS);
        sendBack(x, block.expertOutput());
    }

    /** Sends rows in the order of experts to the ranks that they came from. */
    private void sendBack(Matrix byExpert, Matrix target) {
        Matrix wire = memory.wire();
        kernels.gatherScatter().gather(byExpert.first(rows()), inverse, null, wire.first(rows()));
        clock.lap(Part.DISPATCH);
        exchange(wire, received, target, sent);
    }

    private void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows) {
        peers.exchange(send, sendRows, receive, receiveRows);
        clock.lap(Part.EXCHANGE);
    }

    /** In each of P rounds every rank gets all rows of another one. */
    @Override
    public double[][] sums(int rows, Buffers.Block block, Buffers buffers) {
        double[][] all = peers.gather(new double[] {rows, room()});
        int longest = Arrays.stream(all).mapToInt(rank -> (int) rank[0]).max().orElseThrow();
        makeRoom(
                IntStream.generate(() -> longest).limit(all.length).toArray(),
                Arrays.stream(all).mapToDouble(rank -> rank[1]).toArray());
        int parts = share.parts();
        int first = firstOfGroup();
        int width = memory.wire().columns();
        int most = (expertCount + parts - 1) / parts;
        double[] ofMembers = new double[parts * most * width];
        for (int round = 0; round < parts; round++) {
            int to = (share.part() + round) % parts;
            int from = (share.part() - round + parts) % parts;
            int[] out = new int[parts];
            int[] in = new int[parts];
            out[to] = rows;
            in[from] = (int) all[first + from][0];
            exchange(block.dispatched(), out, memory.wire(), in);
            for (int expert = 0; expert < own.count(); expert++) {
                double[] sum = sum(expert, in[from], buffers);
                System.arraycopy(sum, 0, ofMembers, (from * most + expert) * width, width);
            }
        }
        double[][] ofRanks = peers.gather(ofMembers);
        double[][] sums = new double[expertCount][];
        for (int part = 0; part < parts; part++) {
            for (int expert = share.begin(part, expertCount); expert < share.begin(part + 1, expertCount); expert++) {
                int at = (share.part() * most + expert - share.begin(part, expertCount)) * width;
                sums[expert] = Arrays.copyOfRange(ofRanks[first + part], at, at + width);
            }
        }
        return sums;
    }

    private double[] sum(int expert, int rows, Buffers buffers) {
        if (rows == 0) {
            return new double[memory.wire().columns()];
        }
        return own.expert(expert)
                .forwardSum(
                        memory.wire().first(rows),
                        memory.hidden(layer).first(rows),
                        memory.activated(layer).first(rows),
                        buffers.activatedSum,
                        memory.outputs().first(1));
    }
}
