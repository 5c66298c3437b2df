package dev.uncurl.jobs.cluster;

import dev.uncurl.collective.FloatRange;
import java.util.ArrayList;

/**
 * A sum whose slices stay with their ranks. It goes in waves: in each one every rank adds a window of its slice. Two
 * waves are on their way at a time, so that one comes while the other is added.
 */
final class Reduction {
    private final Exchange exchange;
    private final FloatRange values;
    private final long[] bounds;
    private final int rank;
    private final int[] others;
    private final Staging staging;
    private final int waves;

    /** @param others ranks in the order in which they are served */
    Reduction(Exchange exchange, FloatRange values, long[] bounds, int rank, int[] others, Staging staging) {
        this.exchange = exchange;
        this.values = values;
        this.bounds = bounds;
        this.rank = rank;
        this.others = others;
        this.staging = staging;
        long longest = 0;
        for (int one = 0; one < bounds.length - 1; one++) {
            longest = Math.max(longest, bounds[one + 1] - bounds[one]);
        }
        this.waves = Math.toIntExact((longest + staging.window() - 1) / staging.window());
    }

    void run() {
        expect(0);
        expect(1);
        send(0);
        for (int wave = 0; wave < waves; wave++) {
            send(wave + 1);
            exchange.awaitReceived(wave);
            add(wave);
            expect(wave + 2);
        }
    }

    /** The window of a rank's slice; empty where the slice is shorter than others. */
    private FloatRange window(int one, int wave) {
        long from = Math.min(bounds[one + 1], bounds[one] + (long) wave * staging.window());
        return values.slice(from, Math.min(staging.window(), bounds[one + 1] - from));
    }

    private FloatRange staged(int sender, int wave) {
        return staging.of(sender, wave).slice(0, window(rank, wave).length());
    }

    private void expect(int wave) {
        if (wave < waves) {
            for (int other : others) {
                exchange.expect(other, wave, staged(other, wave));
            }
        }
    }

    private void send(int wave) {
        if (wave < waves) {
            for (int other : others) {
                exchange.send(other, wave, window(other, wave));
            }
        }
    }

    private void add(int wave) {
        FloatRange mine = window(rank, wave);
        var terms = new ArrayList<FloatRange>();
        for (int one = 0; one < bounds.length - 1; one++) {
            terms.add(one == rank ? mine : staged(one, wave));
        }
        mine.sum(terms);
    }
}
