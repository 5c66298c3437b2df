package dev.uncurl.dl4j;

import dev.uncurl.kernel.Matrix;
import dev.uncurl.model.Peers;

/** Ranks, with the time that their exchanges take. */
record TimedPeers(Peers peers, ExchangeClock clock) implements Peers {
    @Override
    public int rank() {
        return peers.rank();
    }

    @Override
    public double[][] gather(double[] own) {
        return clock.time(() -> peers.gather(own));
    }

    @Override
    public void exchange(Matrix send, int[] sendRows, Matrix receive, int[] receiveRows) {
        clock.time(() -> peers.exchange(send, sendRows, receive, receiveRows));
    }
}
