package dev.uncurl.kernel.device;

/** The functions of {@code kernels.cu}; what each computes is said there. */
enum DeviceFunction {
    GATHER("gather"),
    SCATTER_ADD("scatterAdd"),
    ROW_DOT("rowDot"),
    ADD_BIAS("addBias"),
    COLUMN_SUMS("columnSums"),
    NORM_FORWARD("normForward"),
    NORM_BACKWARD("normBackward"),
    NORM_BACKWARD_PARAMETERS("normBackwardParameters"),
    GELU_FORWARD("geluForward"),
    GELU_BACKWARD("geluBackward"),
    CAUSAL_SOFTMAX("causalSoftmax"),
    CAUSAL_SOFTMAX_BACKWARD("causalSoftmaxBackward"),
    FUSED_ATTENTION("fusedAttention"),
    FUSED_ATTENTION_QUERIES("fusedAttentionQueries"),
    FUSED_ATTENTION_KEYS("fusedAttentionKeys"),
    FUSED_ATTENTION_BF16("fusedAttentionBf16"),
    FUSED_ATTENTION_QUERIES_BF16("fusedAttentionQueriesBf16"),
    FUSED_ATTENTION_KEYS_BF16("fusedAttentionKeysBf16"),
    ROUND_TO_BF16("roundToBf16"),
    PUT_ADDRESSES("putAddresses"),
    CROSS_ENTROPY("crossEntropy"),
    CHOOSE_ROWS("chooseRows"),
    SUM_CHOICES("sumChoices"),
    SORT_CHOICES("sortChoices"),
    ROUTER_BACKWARD("routerBackward"),
    SUM_OF_SQUARES("sumOfSquares"),
    ADAM_W("adamW"),
    ADD_RANKS("addRanks");

    private final String symbol;

    DeviceFunction(String symbol) {
        this.symbol = symbol;
    }

    /** Its name in {@code kernels.cu}. */
    String symbol() {
        return symbol;
    }
}
