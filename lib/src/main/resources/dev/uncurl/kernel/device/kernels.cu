// The operations of dev.uncurl.kernel on a GPU, compiled by NVRTC for the device at hand when it is opened. The reference of
// each is the class Nd4j<Operation> of dev.uncurl.kernel.nd4j; DeviceKernelsTest compares them. Matrices are row-major floats.
// Unless said otherwise a block computes one row, with any multiple of 32 threads up to 1,024. There are no atomic operations
// on floats: each sum has an order that follows from shapes and the number of threads alone, and with it the same bits.

#define WARP 32
#define MOST_WARPS 32
#define LEAST -3.4e38f
typedef long long i64;

// Sum over the threads of a block, returned to all of them.
template <typename T>
__device__ T blockSum(T value) {
    __shared__ T part[MOST_WARPS];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    __syncthreads(); // part may still be read by an earlier call
    if (lane == 0) {
        part[warp] = value;
    }
    __syncthreads();
    T sum = 0;
    for (int w = 0; w < blockDim.x / WARP; w++) {
        sum += part[w];
    }
    return sum;
}

// Maximum over the threads of a block, returned to all of them.
__device__ float blockMax(float value) {
    __shared__ float part[MOST_WARPS];
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, offset));
    }
    __syncthreads(); // part may still be read by an earlier call
    if (lane == 0) {
        part[warp] = value;
    }
    __syncthreads();
    float largest = part[0];
    for (int w = 1; w < blockDim.x / WARP; w++) {
        largest = fmaxf(largest, part[w]);
    }
    return largest;
}

// GatherScatter.gather, gatherAdd: target [N, C], target[i] = base[i] + scales[i] * source[index[i]].
// base null: zeros; scales null: ones; index -1: no row. base may be target.
extern "C" __global__ void gather(
        const float* base, const float* source, const int* index, const float* scales, float* target, int columns) {
    i64 row = blockIdx.x;
    int from = index[row];
    float scale = scales ? scales[row] : 1.0f;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        float value = base ? base[row * columns + c] : 0.0f;
        target[row * columns + c] = from < 0 ? value : value + scale * source[(i64) from * columns + c];
    }
}

// GatherScatter.scatterAdd: a block for each row that something goes to, target[row[g]] += sum of source[order[start[g] ..]].
extern "C" __global__ void scatterAdd(
        const float* source, const int* order, const int* start, const int* row, float* target, int columns) {
    int group = blockIdx.x;
    i64 to = row[group];
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        float sum = target[to * columns + c];
        for (int i = start[group]; i < start[group + 1]; i++) {
            sum += source[(i64) order[i] * columns + c];
        }
        target[to * columns + c] = sum;
    }
}

// GatherScatter.dot: products[i] = a[index[i]] . b[i]; index null: i; -1: 0.
extern "C" __global__ void rowDot(const float* a, const int* index, const float* b, double* products, int columns) {
    i64 row = blockIdx.x;
    i64 other = index ? index[row] : row;
    float sum = 0;
    if (other >= 0) {
        for (int c = threadIdx.x; c < columns; c += blockDim.x) {
            sum += a[other * columns + c] * b[row * columns + c];
        }
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
        products[row] = sum;
    }
}

// Bias.add, addResidual: target [N, C] = residual + x + bias [1, C]; residual null: zeros. Operands may be target.
extern "C" __global__ void addBias(const float* residual, const float* x, const float* bias, float* target, int columns) {
    i64 row = blockIdx.x;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        i64 at = row * columns + c;
        target[at] = (residual ? residual[at] : 0.0f) + x[at] + bias[c];
    }
}

// Bias.columnSums: partial [parts, C], sums of the columns of x [N, C] over rowsOfPart rows each. A block of 32 x 32 threads
// for 32 columns (blockIdx.x) of one part (blockIdx.y).
extern "C" __global__ void columnSums(const float* x, float* partial, int rows, int columns, int rowsOfPart) {
    __shared__ float sums[WARP][WARP + 1];
    int lane = threadIdx.x % WARP;
    int strip = threadIdx.x / WARP;
    int strips = blockDim.x / WARP;
    int column = blockIdx.x * WARP + lane;
    int first = blockIdx.y * rowsOfPart;
    int end = first + rowsOfPart < rows ? first + rowsOfPart : rows;
    float sum = 0;
    if (column < columns) {
        for (int row = first + strip; row < end; row += strips) {
            sum += x[(i64) row * columns + column];
        }
    }
    sums[strip][lane] = sum;
    __syncthreads();
    if (strip == 0 && column < columns) {
        float all = 0;
        for (int s = 0; s < strips; s++) {
            all += sums[s][lane];
        }
        partial[(i64) blockIdx.y * columns + column] = all;
    }
}

// sums [1, C] = sums of the columns of partial [parts, C]; a thread for each column.
extern "C" __global__ void addParts(const float* partial, float* sums, int parts, int columns) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column < columns) {
        float sum = 0;
        for (int part = 0; part < parts; part++) {
            sum += partial[(i64) part * columns + column];
        }
        sums[column] = sum;
    }
}

// Normalization.forward: y [N, C]; statistics [N, 2] = mean and reciprocal standard deviation.
extern "C" __global__ void normForward(
        const float* x, const float* gain, const float* bias, float* statistics, float* y, int columns, float epsilon) {
    i64 row = blockIdx.x;
    const float* in = x + row * columns;
    float sum = 0;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        sum += in[c];
    }
    float mean = blockSum(sum) / columns;
    float squares = 0;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        float d = in[c] - mean;
        squares += d * d;
    }
    float reciprocal = 1.0f / sqrtf(blockSum(squares) / columns + epsilon);
    if (threadIdx.x == 0) {
        statistics[2 * row] = mean;
        statistics[2 * row + 1] = reciprocal;
    }
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        y[row * columns + c] = (in[c] - mean) * reciprocal * gain[c] + bias[c];
    }
}

// Normalization.backward, the gradient of the input, added to dx [N, C].
extern "C" __global__ void normBackward(
        const float* x, const float* gain, const float* statistics, const float* dy, float* dx, int columns) {
    i64 row = blockIdx.x;
    float mean = statistics[2 * row];
    float reciprocal = statistics[2 * row + 1];
    float sum = 0;
    float product = 0;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        float scaled = dy[row * columns + c] * gain[c];
        sum += scaled;
        product += scaled * (x[row * columns + c] - mean) * reciprocal;
    }
    sum = blockSum(sum) / columns;
    product = blockSum(product) / columns;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        i64 at = row * columns + c;
        float normalized = (x[at] - mean) * reciprocal;
        dx[at] += reciprocal * (dy[at] * gain[c] - sum - normalized * product);
    }
}

// Normalization.backward, the gradients of gain and bias as column sums over rowsOfPart rows each, [parts, C]; blocks as those
// of columnSums.
extern "C" __global__ void normBackwardParameters(
        const float* x,
        const float* statistics,
        const float* dy,
        float* partialGain,
        float* partialBias,
        int rows,
        int columns,
        int rowsOfPart) {
    __shared__ float gains[WARP][WARP + 1];
    __shared__ float biases[WARP][WARP + 1];
    int lane = threadIdx.x % WARP;
    int strip = threadIdx.x / WARP;
    int strips = blockDim.x / WARP;
    int column = blockIdx.x * WARP + lane;
    int first = blockIdx.y * rowsOfPart;
    int end = first + rowsOfPart < rows ? first + rowsOfPart : rows;
    float gain = 0;
    float bias = 0;
    if (column < columns) {
        for (int row = first + strip; row < end; row += strips) {
            i64 at = (i64) row * columns + column;
            gain += dy[at] * (x[at] - statistics[2 * (i64) row]) * statistics[2 * (i64) row + 1];
            bias += dy[at];
        }
    }
    gains[strip][lane] = gain;
    biases[strip][lane] = bias;
    __syncthreads();
    if (strip == 0 && column < columns) {
        float allGain = 0;
        float allBias = 0;
        for (int s = 0; s < strips; s++) {
            allGain += gains[s][lane];
            allBias += biases[s][lane];
        }
        partialGain[(i64) blockIdx.y * columns + column] = allGain;
        partialBias[(i64) blockIdx.y * columns + column] = allBias;
    }
}

#define SLOPE 0.7978845608028654f // sqrt(2 / pi)
#define CUBIC 0.044715f

// Activation.forward: x [N, F] += bias; y = gelu(x).
extern "C" __global__ void geluForward(float* x, const float* bias, float* y, int columns) {
    i64 row = blockIdx.x;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        i64 at = row * columns + c;
        float v = x[at] + bias[c];
        x[at] = v;
        y[at] = 0.5f * v * (1.0f + tanhf(SLOPE * (v + CUBIC * v * v * v)));
    }
}

// Activation.backward: dy [N, F] becomes dy * gelu'(x).
extern "C" __global__ void geluBackward(const float* x, float* dy, int columns) {
    i64 row = blockIdx.x;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        i64 at = row * columns + c;
        float v = x[at];
        float t = tanhf(SLOPE * (v + CUBIC * v * v * v));
        dy[at] *= 0.5f * (1.0f + t + v * (1.0f - t * t) * SLOPE * (1.0f + 3.0f * CUBIC * v * v));
    }
}

// Attention.forward: scores [H, R, S] of R queries become probabilities; query r sees the first before + r + 1 columns. A block
// for each query (blockIdx.x) and head (blockIdx.y). logSumExp [R, H]: written, or read if known; may be null.
extern "C" __global__ void causalSoftmax(float* scores, float* logSumExp, int columns, int before, int known) {
    int query = blockIdx.x;
    int head = blockIdx.y;
    int seen = before + query + 1;
    float* row = scores + ((i64) head * gridDim.x + query) * columns;
    float* kept = logSumExp ? logSumExp + (i64) query * gridDim.y + head : 0;
    float total;
    if (known) {
        total = *kept;
    } else {
        float largest = LEAST;
        for (int c = threadIdx.x; c < seen; c += blockDim.x) {
            largest = fmaxf(largest, row[c]);
        }
        largest = blockMax(largest);
        float sum = 0;
        for (int c = threadIdx.x; c < seen; c += blockDim.x) {
            sum += expf(row[c] - largest);
        }
        total = largest + logf(blockSum(sum));
        if (kept && threadIdx.x == 0) {
            *kept = total;
        }
    }
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        row[c] = c < seen ? expf(row[c] - total) : 0.0f;
    }
}

// Attention.backward: d [H, T, T], the gradients of the probabilities, become those of the unscaled scores,
// p * (d - sum(p * d)) * scale. A block for each query and head.
extern "C" __global__ void causalSoftmaxBackward(const float* probabilities, float* d, int positions, float scale) {
    int query = blockIdx.x;
    i64 from = ((i64) blockIdx.y * positions + query) * positions;
    float sum = 0;
    for (int c = threadIdx.x; c <= query; c += blockDim.x) {
        sum += probabilities[from + c] * d[from + c];
    }
    sum = blockSum(sum);
    for (int c = threadIdx.x; c < positions; c += blockDim.x) {
        d[from + c] = c <= query ? probabilities[from + c] * (d[from + c] - sum) * scale : 0.0f;
    }
}

// CrossEntropy.forward: logits [R, V] become scale * (softmax - onehot) unless scale is 0.
extern "C" __global__ void crossEntropy(
        float* logits, const int* targets, float scale, double* logProbabilities, int columns) {
    i64 row = blockIdx.x;
    float* x = logits + row * columns;
    float largest = LEAST;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        largest = fmaxf(largest, x[c]);
    }
    largest = blockMax(largest);
    float sum = 0;
    for (int c = threadIdx.x; c < columns; c += blockDim.x) {
        sum += expf(x[c] - largest);
    }
    sum = blockSum(sum);
    int target = targets[row];
    if (threadIdx.x == 0) {
        logProbabilities[row] = (double) x[target] - largest - log((double) sum);
    }
    __syncthreads(); // the target's logit has been read
    if (scale != 0) {
        for (int c = threadIdx.x; c < columns; c += blockDim.x) {
            x[c] = scale * (expf(x[c] - largest) / sum - (c == target ? 1.0f : 0.0f));
        }
    }
}

// AdamW.sumOfSquares: a partial sum for each block, over perBlock elements.
extern "C" __global__ void sumOfSquares(const float* x, i64 length, i64 perBlock, double* partial) {
    i64 first = (i64) blockIdx.x * perBlock;
    i64 end = first + perBlock < length ? first + perBlock : length;
    double sum = 0;
    for (i64 i = first + threadIdx.x; i < end; i += blockDim.x) {
        sum += (double) x[i] * x[i];
    }
    sum = blockSum(sum);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
    }
}

// AdamW.update, and with apply AdamW.step; any grid. rest1 = 1 - beta1, rest2 = 1 - beta2.
extern "C" __global__ void adamW(
        float* parameters,
        float* gradient,
        float* first,
        float* second,
        i64 length,
        float beta1,
        float rest1,
        float beta2,
        float rest2,
        float epsilon,
        float stepSize,
        float secondCorrection,
        float decay,
        float gradientScale,
        int apply) {
    i64 stride = (i64) gridDim.x * blockDim.x;
    for (i64 i = (i64) blockIdx.x * blockDim.x + threadIdx.x; i < length; i += stride) {
        float g = gradient[i] * gradientScale;
        float m = beta1 * first[i] + rest1 * g;
        float v = beta2 * second[i] + rest2 * g * g;
        first[i] = m;
        second[i] = v;
        float update = stepSize * m / (sqrtf(v * secondCorrection) + epsilon) + decay * parameters[i];
        if (apply) {
            parameters[i] -= update;
        } else {
            gradient[i] = update;
        }
    }
}
