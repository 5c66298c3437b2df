package dev.uncurl.dl4j;

import dev.uncurl.model.spec.ElementRange;

/** Adds up the gradients of micro-steps. After each backward pass the gradient array of the model has those of one micro-step. */
interface GradientSums {
    /** After a micro-step that is not the last one. @param first whether it is the first one */
    void add(double weight, boolean first);

    /** After the last one: the gradients of a range become those of the batch. */
    void complete(ElementRange range, double weight);

    /** The gradients of a model that has diverged. */
    void setNaN();
}
