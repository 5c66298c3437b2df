package dev.uncurl.jobs.cluster;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings a few numbers of each of n ranks to all of them, in ceil(log2 n) rounds in which each rank sends one message: in round k
 * it sends what it has to the rank 2^k places before it, and so gets what the rank 2^k places after it has, until it has all
 * (Bruck et al., "Efficient algorithms for all-to-all communications in multiport message-passing systems", IEEE Transactions on
 * Parallel and Distributed Systems 8, 1997; there it is concatenation with one port). Each rank sends n - 1 bodies, as if
 * it sent its own to each other one.
 */
final class Doubling {
    /** How messages of one operation go. */
    interface Post {
        /** @param body is kept by its receiver until it takes it; @param values bytes of it that are numbers of ranks */
        void send(int receiver, int round, ByteBuffer body, int values);

        /**
         * Waits for what was sent in a round.
         *
         * @param senders of all rounds: those of later ones have to come too
         */
        ByteBuffer take(int round, List<Integer> senders);
    }

    private final Post post;
    private final int rank;
    private final int size;

    /** @param rank this one, as the post numbers them */
    Doubling(Post post, int rank, int size) {
        this.post = post;
        this.rank = rank;
        this.size = size;
    }

    /** The bodies of all ranks, by rank, each from position 0 to its limit in native byte order. @param own of this rank, of any length */
    List<ByteBuffer> all(ByteBuffer own) {
        List<ByteBuffer> known = new ArrayList<>(); // those of this rank, of the next one, ...
        known.add(own.duplicate().order(own.order()));
        List<Integer> senders = new ArrayList<>();
        for (int distance = 1; distance < size; distance *= 2) {
            senders.add((rank + distance) % size);
        }
        for (int round = 0; round < senders.size(); round++) {
            int distance = 1 << round;
            List<ByteBuffer> sent = known.subList(0, Math.min(distance, size - distance));
            int values = sent.stream().mapToInt(ByteBuffer::remaining).sum();
            post.send(Math.floorMod(rank - distance, size), round, write(sent, values), values);
            known.addAll(read(post.take(round, senders)));
        }
        List<ByteBuffer> byRank = new ArrayList<>();
        for (int one = 0; one < size; one++) {
            byRank.add(known.get(Math.floorMod(one - rank, size)));
        }
        return byRank;
    }

    /** Their number, the length of each, and then the bodies. */
    private static ByteBuffer write(List<ByteBuffer> bodies, int bytes) {
        ByteBuffer message = Header.buffer(Integer.BYTES * (1 + bodies.size()) + bytes);
        message.putInt(bodies.size());
        bodies.forEach(body -> message.putInt(body.remaining()));
        bodies.forEach(body -> message.put(body.duplicate()));
        return message.flip();
    }

    private static List<ByteBuffer> read(ByteBuffer message) {
        int[] lengths = new int[message.getInt()];
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = message.getInt();
        }
        List<ByteBuffer> bodies = new ArrayList<>();
        for (int length : lengths) {
            bodies.add(message.slice(message.position(), length).order(message.order()));
            message.position(message.position() + length);
        }
        return bodies;
    }
}
