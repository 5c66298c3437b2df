package dev.uncurl.jobs.sweep;

/** What tells cells of a sweep apart, in the order in which cells are sorted where a sweep does not say otherwise. */
enum Coordinate {
    MODEL,
    TASK,
    /** See {@link Role}; the parent comes first. */
    ROLE,
    /** Number of experts that are kept; the parent comes before all. */
    EXPERTS,
    METHOD,
    ROUTER,
    SEED
}
