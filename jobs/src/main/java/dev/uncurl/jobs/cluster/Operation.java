package dev.uncurl.jobs.cluster;

/** The collective operations, as messages name them. */
enum Operation {
    REDUCE_SCATTER("reduceScatter"),
    ALL_GATHER("allGather"),
    ALL_TO_ALL("allToAll"),
    BROADCAST("broadcast"),
    SUM("sum"),
    GATHER("gather"),
    BARRIER("barrier");

    private final String text;

    Operation(String text) {
        this.text = text;
    }

    static Operation of(int number) {
        Operation[] all = values();
        if (number < 0 || number >= all.length) {
            throw new IllegalArgumentException("No operation has the number " + number);
        }
        return all[number];
    }

    @Override
    public String toString() {
        return text;
    }
}
