package dev.uncurl.exchange;

/** The setting that says whether ranks on GPUs exchange values by NCCL. */
public enum NcclChoice {
    /** If every rank has a GPU of its own and NCCL starts; else through the host's memory. */
    AUTO,
    /** Never; NCCL is not looked for. */
    OFF,
    /** By NCCL, or not at all. */
    REQUIRED
}
