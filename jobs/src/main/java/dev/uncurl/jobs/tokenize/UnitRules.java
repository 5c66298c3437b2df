package dev.uncurl.jobs.tokenize;

import java.io.Serializable;

/**
 * How the units of a corpus are tokenised.
 *
 * @param buckets of the shuffle
 * @param carry whether tails continue in sequences of other units instead of being padded
 * @param keepHashes whether hashes of the kept texts are stored for later runs
 */
record UnitRules(
        int vocabulary,
        int sequenceLength,
        double validationFraction,
        long seed,
        int buckets,
        boolean carry,
        boolean keepHashes,
        TokenizeConfig.Filter filter)
        implements Serializable {}
