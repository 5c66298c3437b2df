package dev.uncurl.model.spec;

/** Where a tensor of an expert has its hidden neurons. */
public enum NeuronAxis {
    /** It has none, such as the bias of the output. */
    NONE,
    /** One row for each neuron; a vector with a value for each neuron is such a matrix with rows of one value. */
    ROWS,
    /** One column for each neuron. */
    COLUMNS
}
