package dev.uncurl.model.spec;

/** The dimension of an expert's tensor that corresponds to its hidden neurons. */
public enum NeuronAxis {
    /** None, for example in the bias of the output. */
    NONE,
    /** One row per neuron. A vector with one value per neuron is a matrix with rows of one value. */
    ROWS,
    /** One column per neuron. */
    COLUMNS
}
