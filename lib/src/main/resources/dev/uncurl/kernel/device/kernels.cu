// The operations of dev.uncurl.kernel on a GPU, compiled by NVRTC for the device at hand when it is opened. The reference of
// each is the class Nd4j<Operation> of dev.uncurl.kernel.nd4j; DeviceKernelsTest compares them. Matrices are row-major floats.
// Unless said otherwise a block computes one row, with any multiple of 32 threads up to 1,024. There are no atomic operations
// on floats: each sum has an order that follows from shapes and the number of threads alone, and with it the same bits.
// An argument rounded is where to write the result in bfloat16 too, as an operand of products; null: nowhere.

#define WARP 32
#define MOST_WARPS 32
#define LEAST -3.4e38f
#define UNDER_WAY 4 // elements that a thread reads before it uses any
typedef long long i64;

#ifndef EMULATED
// To 8 significant bits, halves to even (bfloat16).
__device__ unsigned short bf16(float x) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
#endif

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
        const float* base,
        const float* source,
        const int* index,
        const float* scales,
        float* target,
        int columns,
        unsigned short* rounded) {
    i64 row = blockIdx.x;
    int from = index[row];
    float scale = scales ? scales[row] : 1.0f;
    for (int first = threadIdx.x; first < columns; first += UNDER_WAY * blockDim.x) {
        float value[UNDER_WAY];
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            value[i] = base && c < columns ? base[row * columns + c] : 0.0f;
            value[i] += from >= 0 && c < columns ? scale * source[(i64) from * columns + c] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            if (c < columns) {
                target[row * columns + c] = value[i];
                if (rounded) {
                    rounded[row * columns + c] = bf16(value[i]);
                }
            }
        }
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
extern "C" __global__ void addBias(
        const float* residual, const float* x, const float* bias, float* target, int columns, unsigned short* rounded) {
    i64 row = blockIdx.x;
    for (int first = threadIdx.x; first < columns; first += UNDER_WAY * blockDim.x) {
        float sum[UNDER_WAY];
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            i64 at = row * columns + c;
            sum[i] = residual && c < columns ? residual[at] : 0.0f;
            sum[i] += c < columns ? x[at] + bias[c] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            if (c < columns) {
                target[row * columns + c] = sum[i];
                if (rounded) {
                    rounded[row * columns + c] = bf16(sum[i]);
                }
            }
        }
    }
}

#define OF_LANE 4 // columns
#define OF_BLOCK (OF_LANE * WARP)
#define MOST_STRIPS 8

// Sums over the strips of a block, one for each column.
__device__ void addStrips(const float (*sums)[OF_BLOCK], float* to, int columns) {
    for (int c = threadIdx.x; c < OF_BLOCK; c += blockDim.x) {
        int column = blockIdx.x * OF_BLOCK + c;
        if (column < columns) {
            float all = 0;
            for (int strip = 0; strip < blockDim.x / WARP; strip++) {
                all += sums[strip][c];
            }
            to[(i64) blockIdx.y * columns + column] = all;
        }
    }
}

// Bias.columnSums: partial [parts, C], sums of the columns of x [N, C] over rowsOfPart rows each; and the sums of these parts. A block
// of at most 8 warps for 128 columns (blockIdx.x) of one part (blockIdx.y), a warp for every 8th row.
extern "C" __global__ void columnSums(const float* x, float* partial, int rows, int columns, int rowsOfPart) {
    __shared__ float sums[MOST_STRIPS][OF_BLOCK];
    int lane = threadIdx.x % WARP;
    int strip = threadIdx.x / WARP;
    int strips = blockDim.x / WARP;
    int column = blockIdx.x * OF_BLOCK + lane;
    int first = blockIdx.y * rowsOfPart;
    int end = first + rowsOfPart < rows ? first + rowsOfPart : rows;
    float sum[OF_LANE] = {};
    for (int row = first + strip; row < end; row += 2 * strips) {
        float in[2][OF_LANE];
#pragma unroll
        for (int i = 0; i < 2 * OF_LANE; i++) {
            i64 r = row + i / OF_LANE * strips;
            int c = column + i % OF_LANE * WARP;
            in[i / OF_LANE][i % OF_LANE] = r < end && c < columns ? x[r * columns + c] : 0.0f;
        }
#pragma unroll
        for (int j = 0; j < OF_LANE; j++) {
            sum[j] += in[0][j] + in[1][j];
        }
    }
#pragma unroll
    for (int j = 0; j < OF_LANE; j++) {
        sums[strip][j * WARP + lane] = sum[j];
    }
    __syncthreads();
    addStrips(sums, partial, columns);
}

// Rows of normForward: a warp for each, of which a lane keeps 32 elements; of longer rows it reads them again.
#define ROWS_OF_BLOCK 8
#define KEPT 32
#define KEPT_OF_ROW (KEPT * WARP)

// Sum over the lanes of a warp, returned to all of them.
__device__ float warpSum(float value) {
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    }
    return value;
}

// The part of a row that begins at column `from`; zeros beyond its end.
__device__ void keep(float* kept, const float* row, int from, int columns) {
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        int c = from + i * WARP + threadIdx.x % WARP;
        kept[i] = c < columns ? row[c] : 0.0f;
    }
}

// Normalization.forward: y [N, C]; statistics [N, 2] = mean and reciprocal standard deviation.
extern "C" __launch_bounds__(256) __global__ void normForward(
        const float* x,
        const float* gain,
        const float* bias,
        float* statistics,
        float* y,
        int rows,
        int columns,
        float epsilon,
        unsigned short* rounded) {
    i64 row = (i64) blockIdx.x * ROWS_OF_BLOCK + threadIdx.x / WARP;
    if (row >= rows) {
        return;
    }
    int lane = threadIdx.x % WARP;
    const float* in = x + row * columns;
    float kept[KEPT];
    float sum = 0;
    for (int from = 0; from < columns; from += KEPT_OF_ROW) {
        keep(kept, in, from, columns);
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
            sum += kept[i];
        }
    }
    float mean = warpSum(sum) / columns;
    float squares = 0;
    for (int from = 0; from < columns; from += KEPT_OF_ROW) {
        if (columns > KEPT_OF_ROW) {
            keep(kept, in, from, columns);
        }
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
            float d = from + i * WARP + lane < columns ? kept[i] - mean : 0.0f;
            squares += d * d;
        }
    }
    float reciprocal = 1.0f / sqrtf(warpSum(squares) / columns + epsilon);
    if (lane == 0) {
        statistics[2 * row] = mean;
        statistics[2 * row + 1] = reciprocal;
    }
    for (int from = 0; from < columns; from += KEPT_OF_ROW) {
        if (columns > KEPT_OF_ROW) {
            keep(kept, in, from, columns);
        }
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
            int c = from + i * WARP + lane;
            if (c < columns) {
                float normed = (kept[i] - mean) * reciprocal * gain[c] + bias[c];
                y[row * columns + c] = normed;
                if (rounded) {
                    rounded[row * columns + c] = bf16(normed);
                }
            }
        }
    }
}

// Normalization.backward, the gradient of the input, added to dx [N, C].
extern "C" __global__ void normBackward(
        const float* x,
        const float* gain,
        const float* statistics,
        const float* dy,
        float* dx,
        int columns,
        unsigned short* rounded) {
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
        float gradient = dx[at] + reciprocal * (dy[at] * gain[c] - sum - normalized * product);
        dx[at] = gradient;
        if (rounded) {
            rounded[at] = bf16(gradient);
        }
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
    __shared__ float gains[MOST_STRIPS][OF_BLOCK];
    __shared__ float biases[MOST_STRIPS][OF_BLOCK];
    int lane = threadIdx.x % WARP;
    int strip = threadIdx.x / WARP;
    int strips = blockDim.x / WARP;
    int column = blockIdx.x * OF_BLOCK + lane;
    int first = blockIdx.y * rowsOfPart;
    int end = first + rowsOfPart < rows ? first + rowsOfPart : rows;
    float gain[OF_LANE] = {};
    float bias[OF_LANE] = {};
    for (i64 row = first + strip; row < end; row += strips) {
        float mean = statistics[2 * row];
        float reciprocal = statistics[2 * row + 1];
        float in[OF_LANE];
        float gradient[OF_LANE];
#pragma unroll
        for (int j = 0; j < OF_LANE; j++) {
            int c = column + j * WARP;
            in[j] = c < columns ? x[row * columns + c] : 0.0f;
            gradient[j] = c < columns ? dy[row * columns + c] : 0.0f;
        }
#pragma unroll
        for (int j = 0; j < OF_LANE; j++) {
            gain[j] += gradient[j] * (in[j] - mean) * reciprocal;
            bias[j] += gradient[j];
        }
    }
#pragma unroll
    for (int j = 0; j < OF_LANE; j++) {
        gains[strip][j * WARP + lane] = gain[j];
        biases[strip][j * WARP + lane] = bias[j];
    }
    __syncthreads();
    addStrips(gains, partialGain, columns);
    addStrips(biases, partialBias, columns);
}

#define SLOPE 0.7978845608028654f // sqrt(2 / pi)
#define CUBIC 0.044715f

// The tanh in gelu(v), to 1e-7 absolute, which is what 1 + tanh needs; tanhf is twice as slow, for precision near 0.
__device__ float geluTanh(float v) {
    return 1.0f - 2.0f / (1.0f + expf(2.0f * SLOPE * (v + CUBIC * v * v * v)));
}

// Activation.forward: x [N, F] += bias; y = gelu(x).
extern "C" __global__ void geluForward(float* x, const float* bias, float* y, int columns, unsigned short* rounded) {
    i64 row = blockIdx.x;
    for (int first = threadIdx.x; first < columns; first += UNDER_WAY * blockDim.x) {
        float in[UNDER_WAY];
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            in[i] = c < columns ? x[row * columns + c] + bias[c] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            if (c < columns) {
                i64 at = row * columns + c;
                float gelu = 0.5f * in[i] * (1.0f + geluTanh(in[i]));
                x[at] = in[i];
                y[at] = gelu;
                if (rounded) {
                    rounded[at] = bf16(gelu);
                }
            }
        }
    }
}

// Activation.backward: dy [N, F] becomes dy * gelu'(x). A thread reads several elements before it writes any.
extern "C" __global__ void geluBackward(const float* x, float* dy, int columns, unsigned short* rounded) {
    i64 row = blockIdx.x;
    for (int first = threadIdx.x; first < columns; first += UNDER_WAY * blockDim.x) {
        float in[UNDER_WAY];
        float gradient[UNDER_WAY];
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            in[i] = c < columns ? x[row * columns + c] : 0.0f;
            gradient[i] = c < columns ? dy[row * columns + c] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            float v = in[i];
            float t = geluTanh(v);
            float slope = 0.5f * (1.0f + t + v * (1.0f - t * t) * SLOPE * (1.0f + 3.0f * CUBIC * v * v));
            if (c < columns) {
                dy[row * columns + c] = gradient[i] * slope;
                if (rounded) {
                    rounded[row * columns + c] = bf16(gradient[i] * slope);
                }
            }
        }
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

#ifndef EMULATED
// To 11 significant bits, halves away from zero (TF32).
__device__ float rounded(float x) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
}

// c [16, 8] += a [16, 8] b [8, 8] in TF32. a: rows g, g + 8, g, g + 8 and columns t, t, t + 4, t + 4; b: rows t, t + 4 of column g;
// c: rows g, g, g + 8, g + 8 and columns 2 t, 2 t + 1, 2 t, 2 t + 1. g = lane / 4, t = lane % 4 as in PTX's description of mma.
__device__ void multiplyAdd(float* c, const float* a, const float* b) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
          "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}

// c [16, 8] += a [16, 16] b [16, 8] in bfloat16, two elements in a register, the lower first. a: rows g, g + 8, g, g + 8 and columns
// 2 t, 2 t, 2 t + 8, 2 t + 8 with the next ones; b: rows 2 t, 2 t + 8 with the next ones of column g; c as above.
__device__ void multiplyAdd(float* c, const unsigned* a, const unsigned* b) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Two elements of a register, the lower first, in bfloat16.
__device__ unsigned bf16Pair(float lower, float upper) {
    unsigned bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(upper), "f"(lower));
    return bits;
}

// Four 8 x 8 matrices of 16-bit elements in shared memory. A lane gives the address of row lane % 8 of matrix lane / 8, a multiple of 16
// bytes, and gets of each matrix the elements 2 t and 2 t + 1 of row g.
__device__ void loadMatrices(unsigned* to, const unsigned short* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((unsigned) __cvta_generic_to_shared(row))
                 : "memory");
}

// As above, but a lane gets of each matrix the elements of column g in rows 2 t and 2 t + 1.
__device__ void loadTransposed(unsigned* to, const unsigned short* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"((unsigned) __cvta_generic_to_shared(row))
                 : "memory");
}

// Begins to copy 4 or 16 bytes to shared memory, zeros if there is nothing there. The bytes at neither address may be changed until the
// copy has been waited for.
template <int BYTES>
__device__ void copyAsync(void* shared, const void* from, bool there) {
    if (BYTES == 16) {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"((unsigned) __cvta_generic_to_shared(shared)),
                     "l"(from), "r"(there ? 16 : 0)
                     : "memory");
    } else {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"((unsigned) __cvta_generic_to_shared(shared)),
                     "l"(from), "r"(there ? 4 : 0)
                     : "memory");
    }
}

// The copies that this thread has begun since the last call are a group.
__device__ void endCopies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

// Waits until at most so many of this thread's groups of copies are under way.
template <int GROUPS>
__device__ void waitForCopies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
}

// 2^x to some 22 significant bits, 0 for a result below 2^-126
__device__ float powerOf2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}
#endif

// Operands of products that nothing else has rounded: y [length] = x [length]. A block for ROUNDED of them.
#define ROUNDED 4096
extern "C" __global__ void roundToBf16(const float* x, unsigned short* y, i64 length) {
    i64 from = (i64) blockIdx.x * ROUNDED;
    i64 end = from + ROUNDED < length ? from + ROUNDED : length;
    for (i64 first = from + threadIdx.x; first < end; first += UNDER_WAY * blockDim.x) {
        float in[UNDER_WAY];
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            i64 at = first + i * blockDim.x;
            in[i] = at < end ? x[at] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            i64 at = first + i * blockDim.x;
            if (at < end) {
                y[at] = bf16(in[i]);
            }
        }
    }
}

// target[i] = the i-th address of the launch's own argument, for products of many matrices in one call of cuBLAS
#define ADDRESSES 128
struct Addresses {
    i64 at[ADDRESSES];
};

extern "C" __global__ void putAddresses(Addresses given, i64* target, int count) {
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        target[i] = given.at[i];
    }
}

// Attention in tensor cores, without scores in memory (Dao 2023): products of tiles of 64 queries and 64 keys, heads of at most 64
// columns, sums and exponentials in floats. A block of 4 warps for a tile of one head (blockIdx.y, all heads of all sequences); a
// warp has 16 rows of the tile. Here operands are rounded to TF32 when a tile is loaded; for those in bfloat16 see below.
#define TILE 64
#define STEPS 8   // of 8 columns in a tile
#define ROWS_AT_ONCE 2 // of a tile, one element a thread
#define LOADS 16

#define TILE_STRIDE 68 // of a tile in shared memory: the lanes of a warp read from different banks

// Rows of two matrices of a head to shared memory, rounded; zeros beyond the last row and column. A thread reads 32 elements
// before it stores any, so that they are under way together.
__device__ void loadTiles(
        float (*tile)[TILE_STRIDE],
        const float* from,
        i64 leading,
        float (*otherTile)[TILE_STRIDE],
        const float* other,
        i64 otherLeading,
        int rows,
        int size) {
    int column = threadIdx.x % TILE;
    int first = threadIdx.x / TILE;
#pragma unroll
    for (int part = 0; part < 2; part++) {
        float a[LOADS];
        float b[LOADS];
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            int row = (part * LOADS + i) * ROWS_AT_ONCE + first;
            bool there = row < rows && column < size;
            a[i] = there ? from[row * leading + column] : 0.0f;
            b[i] = there ? other[row * otherLeading + column] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            int row = (part * LOADS + i) * ROWS_AT_ONCE + first;
            tile[row][column] = rounded(a[i]);
            otherTile[row][column] = rounded(b[i]);
        }
    }
}

// The 16 rows of this warp as first operands of products.
__device__ void warpRows(const float (*tile)[TILE_STRIDE], float (*a)[4]) {
    int lane = threadIdx.x % WARP;
    int row = threadIdx.x / WARP * 16 + lane / 4;
    for (int step = 0; step < STEPS; step++) {
        int column = step * 8 + lane % 4;
        a[step][0] = tile[row][column];
        a[step][1] = tile[row + 8][column];
        a[step][2] = tile[row][column + 4];
        a[step][3] = tile[row + 8][column + 4];
    }
}

// c [16, 64] = a tile^T
__device__ void multiplyByRows(float (*c)[4], const float (*a)[4], const float (*tile)[TILE_STRIDE]) {
    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < STEPS; n++) {
        c[n][0] = c[n][1] = c[n][2] = c[n][3] = 0;
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            float b[2] = {tile[n * 8 + g][step * 8 + t], tile[n * 8 + g][step * 8 + t + 4]};
            multiplyAdd(c[n], a[step], b);
        }
    }
}

// c [16, 64] += p tile, where p is the result of another product: its columns 2 t and 2 t + 1 become terms t and t + 4.
__device__ void addProduct(float (*c)[4], const float (*p)[4], const float (*tile)[TILE_STRIDE]) {
    int g = threadIdx.x % WARP / 4;
    int t = threadIdx.x % 4;
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        float a[4] = {rounded(p[step][0]), rounded(p[step][2]), rounded(p[step][1]), rounded(p[step][3])};
#pragma unroll
        for (int n = 0; n < STEPS; n++) {
            float b[2] = {tile[step * 8 + 2 * t][n * 8 + g], tile[step * 8 + 2 * t + 1][n * 8 + g]};
            multiplyAdd(c[n], a, b);
        }
    }
}

// Writes this warp's rows of c times factor[row half].
__device__ void storeRows(float* to, i64 leading, int rows, int size, const float (*c)[4], float factor0, float factor8) {
    int lane = threadIdx.x % WARP;
    int row = threadIdx.x / WARP * 16 + lane / 4;
#pragma unroll
    for (int n = 0; n < STEPS; n++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int target = row + j / 2 * 8;
            int column = n * 8 + lane % 4 * 2 + j % 2;
            if (target < rows && column < size) {
                to[target * leading + column] = c[n][j] * (j < 2 ? factor0 : factor8);
            }
        }
    }
}

// Sum, or maximum, over the four lanes that have columns of the same row.
__device__ float rowSum(float value) {
    value += __shfl_xor_sync(0xffffffffu, value, 1);
    return value + __shfl_xor_sync(0xffffffffu, value, 2);
}

__device__ float rowMax(float value) {
    value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 1));
    return fmaxf(value, __shfl_xor_sync(0xffffffffu, value, 2));
}

// Attention.forward: a block for a tile of queries (blockIdx.x, the last ones first), over the tiles of keys up to it.
extern "C" __launch_bounds__(128) __global__ void fusedAttention(
        const float* qkv, float* logSumExp, float* output, int positions, int heads, int size, float scale) {
    __shared__ float keys[TILE][TILE_STRIDE];
    __shared__ float values[TILE][TILE_STRIDE];
    int lane = threadIdx.x % WARP;
    int first = (gridDim.x - 1 - blockIdx.x) * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const float* in = qkv + base * leading + head * size;
    const float* queries = in + first * leading;
    loadTiles(keys, queries, leading, values, queries, leading, positions - first, size);
    __syncthreads();
    float query[STEPS][4];
    warpRows(keys, query);
    float sum[STEPS][4] = {};
    float largest[2] = {LEAST, LEAST};
    float total[2] = {0, 0};
    for (int from = 0; from <= first; from += TILE) {
        __syncthreads(); // the tiles before have been read
        const float* key = in + width + from * leading;
        loadTiles(keys, key, leading, values, key + width, leading, positions - from, size);
        __syncthreads();
        float s[STEPS][4];
        multiplyByRows(s, query, keys);
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float most = largest[half];
#pragma unroll
            for (int i = 0; i < 2 * STEPS; i++) {
                int column = from + i / 2 * 8 + lane % 4 * 2 + i % 2;
                float* score = &s[i / 2][2 * half + i % 2];
                *score = column <= row + 8 * half ? *score * scale : LEAST;
                most = fmaxf(most, *score);
            }
            most = rowMax(most);
            float factor = expf(largest[half] - most);
            float part = 0;
#pragma unroll
            for (int i = 0; i < 2 * STEPS; i++) {
                float* score = &s[i / 2][2 * half + i % 2];
                *score = expf(*score - most);
                part += *score;
                sum[i / 2][2 * half + i % 2] *= factor;
            }
            total[half] = total[half] * factor + rowSum(part);
            largest[half] = most;
        }
        addProduct(sum, s, values);
    }
    storeRows(output + (base + first) * width + head * size, width, positions - first, size, sum, 1 / total[0], 1 / total[1]);
    for (int half = 0; half < 2; half++) {
        if (lane % 4 == 0 && row + 8 * half < positions) {
            logSumExp[(base + row + 8 * half) * heads + head] = largest[half] + logf(total[half]);
        }
    }
}

// Attention.backward, the gradient of the queries, and dots [N, H] = sum over keys of p * (gradient of p) for fusedAttentionKeys.
// Blocks as those of fusedAttention.
extern "C" __launch_bounds__(128) __global__ void fusedAttentionQueries(
        const float* qkv,
        const float* logSumExp,
        const float* dOutput,
        float* dQkv,
        float* dots,
        int positions,
        int heads,
        int size,
        float scale) {
    __shared__ float keys[TILE][TILE_STRIDE];
    __shared__ float values[TILE][TILE_STRIDE];
    int lane = threadIdx.x % WARP;
    int first = (gridDim.x - 1 - blockIdx.x) * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const float* in = qkv + base * leading + head * size;
    const float* dOut = dOutput + (base + first) * width + head * size;
    loadTiles(keys, in + first * leading, leading, values, dOut, width, positions - first, size);
    __syncthreads();
    float query[STEPS][4];
    float gradient[STEPS][4];
    warpRows(keys, query);
    warpRows(values, gradient);
    float known[2];
    for (int half = 0; half < 2; half++) {
        known[half] = row + 8 * half < positions ? logSumExp[(base + row + 8 * half) * heads + head] : 0.0f;
    }
    float dot[2] = {0, 0};
    float sum[STEPS][4] = {};
    for (int pass = 0; pass < 2; pass++) {
        for (int from = 0; from <= first; from += TILE) {
            __syncthreads(); // the tiles before have been read
            const float* key = in + width + from * leading;
            loadTiles(keys, key, leading, values, key + width, leading, positions - from, size);
            __syncthreads();
            float s[STEPS][4];
            float d[STEPS][4];
            multiplyByRows(s, query, keys);
            multiplyByRows(d, gradient, values);
#pragma unroll
            for (int i = 0; i < 4 * STEPS; i++) {
                int half = i % 4 / 2;
                int column = from + i / 4 * 8 + lane % 4 * 2 + i % 2;
                bool seen = column <= row + 8 * half;
                float p = seen ? expf(s[i / 4][i % 4] * scale - known[half]) : 0.0f;
                s[i / 4][i % 4] = p * (d[i / 4][i % 4] - (pass == 0 ? 0.0f : dot[half]));
            }
            if (pass == 0) {
#pragma unroll
                for (int i = 0; i < 4 * STEPS; i++) {
                    dot[i % 4 / 2] += s[i / 4][i % 4];
                }
            } else {
                addProduct(sum, s, keys);
            }
        }
        if (pass == 0) {
            dot[0] = rowSum(dot[0]);
            dot[1] = rowSum(dot[1]);
        }
    }
    storeRows(dQkv + (base + first) * leading + head * size, leading, positions - first, size, sum, scale, scale);
    for (int half = 0; half < 2; half++) {
        if (lane % 4 == 0 && row + 8 * half < positions) {
            dots[(base + row + 8 * half) * heads + head] = dot[half];
        }
    }
}

// Attention.backward, the gradients of keys and values: a block for a tile of keys (blockIdx.x), over the tiles of queries from it.
extern "C" __launch_bounds__(128) __global__ void fusedAttentionKeys(
        const float* qkv,
        const float* logSumExp,
        const float* dOutput,
        float* dQkv,
        const float* dots,
        int positions,
        int heads,
        int size,
        float scale) {
    __shared__ float queries[TILE][TILE_STRIDE];
    __shared__ float gradients[TILE][TILE_STRIDE];
    __shared__ float known[TILE];
    __shared__ float dot[TILE];
    int lane = threadIdx.x % WARP;
    int first = blockIdx.x * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const float* in = qkv + base * leading + head * size;
    const float* keys = in + width + first * leading;
    loadTiles(queries, keys, leading, gradients, keys + width, leading, positions - first, size);
    __syncthreads();
    float key[STEPS][4];
    float value[STEPS][4];
    warpRows(queries, key);
    warpRows(gradients, value);
    float dKey[STEPS][4] = {};
    float dValue[STEPS][4] = {};
    for (int from = first; from < positions; from += TILE) {
        __syncthreads(); // the tiles before have been read
        const float* dOut = dOutput + (base + from) * width + head * size;
        loadTiles(queries, in + from * leading, leading, gradients, dOut, width, positions - from, size);
        if (threadIdx.x < TILE) {
            bool there = from + threadIdx.x < positions;
            i64 at = (base + from + threadIdx.x) * heads + head;
            known[threadIdx.x] = there ? logSumExp[at] : 0.0f;
            dot[threadIdx.x] = there ? dots[at] : 0.0f;
        }
        __syncthreads();
        float p[STEPS][4];
        multiplyByRows(p, key, queries);
#pragma unroll
        for (int i = 0; i < 4 * STEPS; i++) {
            int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
            bool seen = row + i % 4 / 2 * 8 <= from + column && from + column < positions;
            p[i / 4][i % 4] = seen ? expf(p[i / 4][i % 4] * scale - known[column]) : 0.0f;
        }
        addProduct(dValue, p, gradients);
        float d[STEPS][4];
        multiplyByRows(d, value, gradients);
#pragma unroll
        for (int i = 0; i < 4 * STEPS; i++) {
            int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
            p[i / 4][i % 4] *= d[i / 4][i % 4] - dot[column];
        }
        addProduct(dKey, p, queries);
    }
    float* to = dQkv + (base + first) * leading + head * size;
    storeRows(to + width, leading, positions - first, size, dKey, scale, scale);
    storeRows(to + 2 * width, leading, positions - first, size, dValue, 1, 1);
}

// Attention in bfloat16: as above, but queries, keys and values are in memory in bfloat16, and so is a tile in shared memory, of 64
// rows of 64 elements. A row has 8 chunks of 16 bytes, whose places are exchanged so that 8 rows of one column of chunks are in
// different banks. While tiles are multiplied the next ones are copied. size: a multiple of 8.
#define CHUNK 8 // elements
#define BF16_STEPS 4 // of 16 terms in a tile
#define LOG2_E 1.4426950408889634f

__device__ unsigned short* inTile(unsigned short* tile, int row, int chunk) {
    return tile + row * TILE + (chunk ^ row % 8) * CHUNK;
}

// Begins to copy a tile; zeros beyond the last row and column.
__device__ void copyTile(unsigned short* tile, const unsigned short* from, i64 leading, int rows, int size) {
    int chunk = threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = threadIdx.x / 8 + 16 * i;
        bool there = row < rows && chunk * CHUNK < size;
        copyAsync<16>(inTile(tile, row, chunk), there ? from + row * leading + chunk * CHUNK : from, there);
    }
}

// Begins to copy the tiles of keys and values from position `from` on, as a group of copies.
__device__ void copyKeys(
        unsigned short* keys, unsigned short* values, const unsigned short* in, int from, int positions, i64 width, int size) {
    const unsigned short* key = in + width + from * 3 * width;
    copyTile(keys, key, 3 * width, positions - from, size);
    copyTile(values, key + width, 3 * width, positions - from, size);
    endCopies();
}

// The 16 rows of this warp as first operands of products.
__device__ void warpRows(unsigned short* tile, unsigned (*a)[4]) {
    int lane = threadIdx.x % WARP;
    int row = threadIdx.x / WARP * 16 + lane % 16;
#pragma unroll
    for (int step = 0; step < BF16_STEPS; step++) {
        loadMatrices(a[step], inTile(tile, row, 2 * step + lane / 16));
    }
}

// c [16, 64] = a tile^T
__device__ void multiplyByRows(float (*c)[4], const unsigned (*a)[4], unsigned short* tile) {
    int lane = threadIdx.x % WARP;
    int row = lane / 16 * 8 + lane % 8;
#pragma unroll
    for (int n = 0; n < STEPS; n += 2) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            c[n][i] = c[n + 1][i] = 0;
        }
#pragma unroll
        for (int step = 0; step < BF16_STEPS; step++) {
            unsigned b[4];
            loadMatrices(b, inTile(tile, n * 8 + row, 2 * step + lane / 8 % 2));
            multiplyAdd(c[n], a[step], b);
            multiplyAdd(c[n + 1], a[step], b + 2);
        }
    }
}

// c [16, 64] += p tile, where p is the result of another product: of 16 of its columns, a thread has those that it needs as terms.
__device__ void addProduct(float (*c)[4], const float (*p)[4], unsigned short* tile) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int step = 0; step < BF16_STEPS; step++) {
        const float* left = p[2 * step];
        const float* right = p[2 * step + 1];
        unsigned a[4] = {
            bf16Pair(left[0], left[1]), bf16Pair(left[2], left[3]), bf16Pair(right[0], right[1]), bf16Pair(right[2], right[3])};
#pragma unroll
        for (int n = 0; n < STEPS; n += 2) {
            unsigned b[4];
            loadTransposed(b, inTile(tile, step * 16 + lane % 16, n + lane / 16));
            multiplyAdd(c[n], a, b);
            multiplyAdd(c[n + 1], a, b + 2);
        }
    }
}

// Writes this warp's rows of c times factor[row half], as floats and, unless rounded is null, in bfloat16.
__device__ void storePairs(
        float* to, unsigned short* rounded, i64 leading, int rows, int size, const float (*c)[4], float factor0, float factor8) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int row = threadIdx.x / WARP * 16 + lane / 4 + 8 * half;
        float factor = half ? factor8 : factor0;
#pragma unroll
        for (int n = 0; n < STEPS; n++) {
            int column = n * 8 + lane % 4 * 2;
            if (row < rows && column < size) {
                float2 pair = {c[n][2 * half] * factor, c[n][2 * half + 1] * factor};
                *(float2*) (to + row * leading + column) = pair;
                if (rounded) {
                    *(unsigned*) (rounded + row * leading + column) = bf16Pair(pair.x, pair.y);
                }
            }
        }
    }
}

// Attention.forward: a block for a tile of queries (blockIdx.x, the last ones first), over the tiles of keys up to it.
extern "C" __launch_bounds__(128, 4) __global__ void fusedAttentionBf16(
        const unsigned short* qkv,
        float* logSumExp,
        float* output,
        unsigned short* rounded,
        int positions,
        int heads,
        int size,
        float scale) {
    __shared__ __align__(128) unsigned short keys[2][TILE * TILE];
    __shared__ __align__(128) unsigned short values[2][TILE * TILE];
    int lane = threadIdx.x % WARP;
    int first = (gridDim.x - 1 - blockIdx.x) * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const unsigned short* in = qkv + base * leading + head * size;
    copyTile(keys[1], in + first * leading, leading, positions - first, size);
    endCopies();
    copyKeys(keys[0], values[0], in, 0, positions, width, size);
    waitForCopies<1>();
    __syncthreads();
    unsigned query[BF16_STEPS][4];
    warpRows(keys[1], query);
    float sum[STEPS][4] = {};
    float largest[2] = {LEAST, LEAST};
    float total[2] = {0, 0};
    float factor2 = scale * LOG2_E; // of a score, as an exponent of 2
    int stage = 0;
    for (int from = 0; from <= first; from += TILE) {
        waitForCopies<0>();
        __syncthreads(); // the tiles are there, and those before have been read
        if (from < first) {
            copyKeys(keys[1 - stage], values[1 - stage], in, from + TILE, positions, width, size);
        }
        float s[STEPS][4];
        multiplyByRows(s, query, keys[stage]);
        if (from == first) {
#pragma unroll
            for (int i = 0; i < 4 * STEPS; i++) {
                int column = from + i / 4 * 8 + lane % 4 * 2 + i % 2;
                s[i / 4][i % 4] = column <= row + i % 4 / 2 * 8 ? s[i / 4][i % 4] : LEAST;
            }
        }
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float most = largest[half];
#pragma unroll
            for (int i = 0; i < 2 * STEPS; i++) {
                most = fmaxf(most, s[i / 2][2 * half + i % 2]);
            }
            most = rowMax(most);
            float shift = most * factor2;
            float factor = powerOf2(largest[half] * factor2 - shift);
            float part = 0;
#pragma unroll
            for (int i = 0; i < 2 * STEPS; i++) {
                float* score = &s[i / 2][2 * half + i % 2];
                *score = powerOf2(*score * factor2 - shift);
                part += *score;
                sum[i / 2][2 * half + i % 2] *= factor;
            }
            total[half] = total[half] * factor + rowSum(part);
            largest[half] = most;
        }
        addProduct(sum, s, values[stage]);
        stage = 1 - stage;
    }
    i64 to = (base + first) * width + head * size;
    unsigned short* roundedTo = rounded ? rounded + to : 0;
    storePairs(output + to, roundedTo, width, positions - first, size, sum, 1 / total[0], 1 / total[1]);
    for (int half = 0; half < 2; half++) {
        if (lane % 4 == 0 && row + 8 * half < positions) {
            logSumExp[(base + row + 8 * half) * heads + head] = largest[half] * scale + logf(total[half]);
        }
    }
}

__device__ float product(unsigned a, unsigned b) {
    return __uint_as_float(a << 16) * __uint_as_float(b << 16) + __uint_as_float(a & 0xffff0000u) * __uint_as_float(b & 0xffff0000u);
}

// dots of the rows of a tile: the output times its gradient, which is the sum over keys of p * (gradient of p). Two threads a row.
__device__ void rowDots(
        float* dots, const unsigned short* output, const unsigned short* dOutput, i64 leading, int rows, int size) {
    int row = threadIdx.x / 2;
    float sum = 0;
    if (row < rows) {
        for (int column = threadIdx.x % 2 * CHUNK; column < size; column += 2 * CHUNK) {
            uint4 a = *(const uint4*) (output + row * leading + column);
            uint4 b = *(const uint4*) (dOutput + row * leading + column);
            sum += product(a.x, b.x) + product(a.y, b.y) + product(a.z, b.z) + product(a.w, b.w);
        }
    }
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    if (threadIdx.x % 2 == 0) {
        dots[row] = sum;
    }
}

// Attention.backward, the gradient of the queries, and dots [N, H] for fusedAttentionKeysBf16; output and dOutput in bfloat16. Blocks
// as those of fusedAttentionBf16.
extern "C" __launch_bounds__(128, 3) __global__ void fusedAttentionQueriesBf16(
        const unsigned short* qkv,
        const float* logSumExp,
        const unsigned short* output,
        const unsigned short* dOutput,
        float* dQkv,
        unsigned short* rounded,
        float* dots,
        int positions,
        int heads,
        int size,
        float scale) {
    __shared__ __align__(128) unsigned short keys[2][TILE * TILE];
    __shared__ __align__(128) unsigned short values[2][TILE * TILE];
    __shared__ float dotOfRow[TILE];
    int lane = threadIdx.x % WARP;
    int first = (gridDim.x - 1 - blockIdx.x) * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const unsigned short* in = qkv + base * leading + head * size;
    i64 out = (base + first) * width + head * size;
    copyTile(keys[1], in + first * leading, leading, positions - first, size);
    copyTile(values[1], dOutput + out, width, positions - first, size);
    endCopies();
    copyKeys(keys[0], values[0], in, 0, positions, width, size);
    rowDots(dotOfRow, output + out, dOutput + out, width, positions - first, size);
    waitForCopies<1>();
    __syncthreads();
    unsigned query[BF16_STEPS][4];
    unsigned gradient[BF16_STEPS][4];
    warpRows(keys[1], query);
    warpRows(values[1], gradient);
    float known[2]; // as an exponent of 2
    float dot[2];
    for (int half = 0; half < 2; half++) {
        i64 at = (base + row + 8 * half) * heads + head;
        known[half] = row + 8 * half < positions ? logSumExp[at] * LOG2_E : 0.0f;
        dot[half] = dotOfRow[row - first + 8 * half];
        if (lane % 4 == 0 && row + 8 * half < positions) {
            dots[at] = dot[half];
        }
    }
    float factor2 = scale * LOG2_E;
    float sum[STEPS][4] = {};
    int stage = 0;
    for (int from = 0; from <= first; from += TILE) {
        waitForCopies<0>();
        __syncthreads(); // the tiles are there, and those before have been read
        if (from < first) {
            copyKeys(keys[1 - stage], values[1 - stage], in, from + TILE, positions, width, size);
        }
        float s[STEPS][4];
        float d[STEPS][4];
        multiplyByRows(s, query, keys[stage]);
        multiplyByRows(d, gradient, values[stage]);
#pragma unroll
        for (int i = 0; i < 4 * STEPS; i++) {
            int half = i % 4 / 2;
            int column = from + i / 4 * 8 + lane % 4 * 2 + i % 2;
            bool seen = from < first || column <= row + 8 * half;
            float p = seen ? powerOf2(s[i / 4][i % 4] * factor2 - known[half]) : 0.0f;
            s[i / 4][i % 4] = p * (d[i / 4][i % 4] - dot[half]);
        }
        addProduct(sum, s, keys[stage]);
        stage = 1 - stage;
    }
    i64 to = (base + first) * leading + head * size;
    unsigned short* roundedTo = rounded ? rounded + to : 0;
    storePairs(dQkv + to, roundedTo, leading, positions - first, size, sum, scale, scale);
}

// Begins to copy the tiles of queries and of outputs' gradients from position `from` on, and two numbers of each query, as a group.
__device__ void copyRows(
        unsigned short* queries,
        unsigned short* gradients,
        float* known,
        float* dot,
        const unsigned short* in,
        const unsigned short* dOutput,
        const float* sums,
        const float* dots,
        int from,
        int positions,
        int heads,
        int size) {
    i64 width = (i64) heads * size;
    copyTile(queries, in + from * 3 * width, 3 * width, positions - from, size);
    copyTile(gradients, dOutput + from * width, width, positions - from, size);
    if (threadIdx.x < TILE) {
        bool there = from + threadIdx.x < positions;
        i64 at = there ? (i64) (from + threadIdx.x) * heads : 0;
        copyAsync<4>(&known[threadIdx.x], sums + at, there);
        copyAsync<4>(&dot[threadIdx.x], dots + at, there);
    }
    endCopies();
}

// Attention.backward, the gradients of keys and values: a block for a tile of keys (blockIdx.x), over the tiles of queries from it.
extern "C" __launch_bounds__(128, 2) __global__ void fusedAttentionKeysBf16(
        const unsigned short* qkv,
        const float* logSumExp,
        const unsigned short* dOutput,
        float* dQkv,
        unsigned short* rounded,
        const float* dots,
        int positions,
        int heads,
        int size,
        float scale) {
    __shared__ __align__(128) unsigned short queries[2][TILE * TILE];
    __shared__ __align__(128) unsigned short gradients[2][TILE * TILE];
    __shared__ float known[2][TILE];
    __shared__ float dot[2][TILE];
    int lane = threadIdx.x % WARP;
    int first = blockIdx.x * TILE;
    int row = first + threadIdx.x / WARP * 16 + lane / 4;
    int head = blockIdx.y % heads;
    i64 width = (i64) heads * size;
    i64 leading = 3 * width;
    i64 base = (i64) (blockIdx.y / heads) * positions;
    const unsigned short* in = qkv + base * leading + head * size;
    const unsigned short* dOut = dOutput + base * width + head * size;
    const unsigned short* keys = in + width + first * leading;
    const float* sums = logSumExp + base * heads + head;
    const float* dotOfRow = dots + base * heads + head;
    copyTile(queries[1], keys, leading, positions - first, size);
    copyTile(gradients[1], keys + width, leading, positions - first, size);
    endCopies();
    copyRows(queries[0], gradients[0], known[0], dot[0], in, dOut, sums, dotOfRow, first, positions, heads, size);
    waitForCopies<1>();
    __syncthreads();
    unsigned key[BF16_STEPS][4];
    unsigned value[BF16_STEPS][4];
    warpRows(queries[1], key);
    warpRows(gradients[1], value);
    float factor2 = scale * LOG2_E;
    float dKey[STEPS][4] = {};
    float dValue[STEPS][4] = {};
    int stage = 0;
    for (int from = first; from < positions; from += TILE) {
        waitForCopies<0>();
        __syncthreads(); // the tiles are there, and those before have been read
        int next = from + TILE;
        if (next < positions) {
            int other = 1 - stage;
            copyRows(
                    queries[other], gradients[other], known[other], dot[other], in, dOut, sums, dotOfRow, next, positions, heads, size);
        }
        float p[STEPS][4];
        multiplyByRows(p, key, queries[stage]);
#pragma unroll
        for (int i = 0; i < 4 * STEPS; i++) {
            int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
            bool seen = row + i % 4 / 2 * 8 <= from + column; // a query that is not there has no gradient
            p[i / 4][i % 4] = seen ? powerOf2(p[i / 4][i % 4] * factor2 - known[stage][column] * LOG2_E) : 0.0f;
        }
        addProduct(dValue, p, gradients[stage]);
        float d[STEPS][4];
        multiplyByRows(d, value, gradients[stage]);
#pragma unroll
        for (int i = 0; i < 4 * STEPS; i++) {
            int column = i / 4 * 8 + lane % 4 * 2 + i % 2;
            p[i / 4][i % 4] *= d[i / 4][i % 4] - dot[stage][column];
        }
        addProduct(dKey, p, queries[stage]);
        stage = 1 - stage;
    }
    i64 to = (base + first) * leading + head * size + width;
    unsigned short* roundedKeys = rounded ? rounded + to : 0;
    unsigned short* roundedValues = rounded ? rounded + to + width : 0;
    storePairs(dQkv + to, roundedKeys, leading, positions - first, size, dKey, scale, scale);
    storePairs(dQkv + to + width, roundedValues, leading, positions - first, size, dValue, 1, 1);
}

// CrossEntropy.forward: logits [R, V], leading elements from row to row, become scale * (softmax - onehot) unless scale is 0, and
// the room between rows zeros.
extern "C" __global__ void crossEntropy(
        float* logits,
        const int* targets,
        float scale,
        double* logProbabilities,
        int columns,
        int leading,
        unsigned short* rounded) {
    i64 row = blockIdx.x;
    float* x = logits + row * leading;
    float mine = LEAST; // the largest logit that this thread has seen
    float sum = 0; // of exp(logit - mine)
    for (int first = threadIdx.x; first < columns; first += UNDER_WAY * blockDim.x) {
        float in[UNDER_WAY];
        float most = mine;
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            int c = first + i * blockDim.x;
            in[i] = c < columns ? x[c] : LEAST;
            most = fmaxf(most, in[i]);
        }
        sum *= expf(mine - most);
#pragma unroll
        for (int i = 0; i < UNDER_WAY; i++) {
            sum += first + i * blockDim.x < columns ? expf(in[i] - most) : 0.0f;
        }
        mine = most;
    }
    float largest = blockMax(mine);
    sum = blockSum(sum * expf(mine - largest));
    int target = targets[row];
    if (threadIdx.x == 0) {
        logProbabilities[row] = (double) x[target] - largest - log((double) sum);
    }
    __syncthreads(); // the target's logit has been read
    if (scale != 0) {
        float factor = scale / sum;
        for (int first = threadIdx.x; first < leading; first += UNDER_WAY * blockDim.x) {
            float in[UNDER_WAY];
#pragma unroll
            for (int i = 0; i < UNDER_WAY; i++) {
                int c = first + i * blockDim.x;
                in[i] = c < columns ? x[c] : LEAST;
            }
#pragma unroll
            for (int i = 0; i < UNDER_WAY; i++) {
                int c = first + i * blockDim.x;
                float gradient = c < columns ? factor * expf(in[i] - largest) - (c == target ? scale : 0.0f) : 0.0f;
                if (c < leading) {
                    x[c] = gradient;
                    if (rounded) {
                        rounded[row * leading + c] = bf16(gradient);
                    }
                }
            }
        }
    }
}

// Routing (the reference is HostRouting of dev.uncurl.model): N tokens, R rows of a router, E experts, k choices. A thread for each
// token, in double precision; a block for ROUTED tokens one after another.
#define ROUTED 128
#define MASKED (-1) // in expertOfRow [R]: the row is not chosen; every negative one leads to no expert
#define LEAST_NORMAL 2.2250738585072014e-308

// Logsumexp of the logits x [R] of a token, of all rows or of those that lead to an expert.
__device__ double logSum(const float* x, const int* expertOfRow, int rows, bool live) {
    double largest = -1e300;
    for (int r = 0; r < rows; r++) {
        largest = (!live || expertOfRow[r] >= 0) && x[r] > largest ? x[r] : largest;
    }
    double sum = 0;
    for (int r = 0; r < rows; r++) {
        sum += !live || expertOfRow[r] >= 0 ? exp(x[r] - largest) : 0;
    }
    return largest + log(sum);
}

// The first choice of the same token that leads to the same expert: it carries the assignment.
__device__ int carrier(const int* chosen, const int* expertOfRow, int choice) {
    for (int better = 0; better < choice; better++) {
        int expert = expertOfRow[chosen[better]];
        if (expert >= 0 && expert == expertOfRow[chosen[choice]]) {
            return better;
        }
    }
    return choice;
}

// Routing.choose: chosen [N, k] rows by logit (ties to the lower one), shares [N, k] of them, sums [N, 2] the logsumexp of all rows
// and of live ones. padding [N]: negative where there is no token; null: nowhere. bad [N]: whether a logit is not finite.
extern "C" __launch_bounds__(ROUTED) __global__ void chooseRows(
        const float* logits,
        const int* padding,
        const int* expertOfRow,
        int* chosen,
        double* shares,
        double* sums,
        int tokens,
        int rows,
        int choices,
        int renormalize) {
    i64 token = (i64) blockIdx.x * ROUTED + threadIdx.x;
    if (token >= tokens) {
        return;
    }
    const float* x = logits + token * rows;
    int* mine = chosen + token * choices;
    double* share = shares + token * choices;
    bool real = !padding || padding[token] >= 0;
    double all = real ? logSum(x, expertOfRow, rows, false) : 0.0;
    double live = real ? logSum(x, expertOfRow, rows, true) : 0.0;
    sums[2 * token] = all;
    sums[2 * token + 1] = live;
    double mass = 0;
    for (int c = 0; c < choices; c++) {
        int best = -1;
        for (int r = 0; r < rows && real; r++) {
            bool open = expertOfRow[r] != MASKED;
            for (int taken = 0; taken < c; taken++) {
                open = open && mine[taken] != r;
            }
            best = open && (best < 0 || x[r] > x[best]) ? r : best;
        }
        mine[c] = best;
        share[c] = best < 0 ? 0.0 : exp(x[best] - all);
        mass += share[c];
    }
    if (!renormalize || !real) {
        return;
    }
    if (mass < LEAST_NORMAL) { // all went to masked rows
        mass = 0;
        for (int c = 0; c < choices; c++) {
            share[c] = expertOfRow[mine[c]] >= 0 ? exp(x[mine[c]] - live) : 0.0;
            mass += share[c];
        }
    }
    for (int c = 0; c < choices; c++) {
        share[c] /= mass;
    }
}

// Routing.choose, for each block of tokens: partial [blocks, 2 + 2 R + k E] = number of tokens with a logit that is not finite; sum
// of squares of logsumexp; choices of each row; sum of each row's probability among live rows; assignments by choice and expert.
extern "C" __launch_bounds__(ROUTED) __global__ void sumChoices(
        const float* logits,
        const int* expertOfRow,
        const int* chosen,
        const double* sums,
        double* partial,
        int tokens,
        int rows,
        int choices,
        int experts) {
    i64 first = (i64) blockIdx.x * ROUTED;
    i64 token = first + threadIdx.x;
    int count = tokens - first < ROUTED ? (int) (tokens - first) : ROUTED;
    bool real = token < tokens && chosen[token * choices] >= 0;
    double* out = partial + (i64) blockIdx.x * (2 + 2 * rows + choices * experts);
    double bad = 0;
    for (int r = 0; r < rows && real; r++) {
        float x = logits[token * rows + r];
        bad = x - x == 0 ? bad : 1.0;
    }
    bad = blockSum(bad);
    double squares = blockSum(real ? sums[2 * token] * sums[2 * token] : 0.0);
    if (threadIdx.x == 0) {
        out[0] = bad;
        out[1] = squares;
    }
    for (int r = 0; r < rows; r++) {
        bool counted = real && expertOfRow[r] >= 0;
        double sum = blockSum(counted ? exp(logits[token * rows + r] - sums[2 * token + 1]) : 0.0);
        if (threadIdx.x == 0) {
            out[2 + rows + r] = sum;
        }
    }
    for (int r = threadIdx.x; r < rows; r += ROUTED) {
        int sum = 0;
        for (int i = 0; i < count * choices; i++) {
            sum += chosen[first * choices + i] == r;
        }
        out[2 + r] = sum;
    }
    for (int place = threadIdx.x; place < choices * experts; place += ROUTED) {
        int choice = place / experts;
        int sum = 0;
        for (int i = 0; i < count; i++) {
            const int* of = chosen + (first + i) * choices;
            bool assigned = of[choice] >= 0 && expertOfRow[of[choice]] == place % experts;
            sum += assigned && carrier(of, expertOfRow, choice) == choice;
        }
        out[2 + 2 * rows + place] = sum;
    }
}

// Routing.sort: the slot of each assignment, sorted by expert, then token, then choice; an expert keeps of its assignments by each
// choice the first kept [k, E]. before [blocks, k, E] assignments in earlier blocks of tokens; start [E + 1] slots.
// Written: slots [k, N], -1 for none; factors [k, N] the gates; and by slot token [S] and gate [S].
extern "C" __launch_bounds__(ROUTED) __global__ void sortChoices(
        const int* expertOfRow,
        const int* chosen,
        const double* shares,
        const int* before,
        const int* kept,
        const int* start,
        int* slots,
        float* factors,
        int* slotToken,
        float* slotGate,
        int tokens,
        int choices,
        int experts) {
    i64 first = (i64) blockIdx.x * ROUTED;
    i64 token = first + threadIdx.x;
    if (token >= tokens) {
        return;
    }
    const int* mine = chosen + token * choices;
    const int* earlier = before + (i64) blockIdx.x * choices * experts;
    for (int c = 0; c < choices; c++) {
        int expert = mine[c] < 0 ? -1 : expertOfRow[mine[c]];
        int slot = -1;
        double gate = 0;
        if (expert >= 0 && carrier(mine, expertOfRow, c) == c) {
            slot = start[expert];
            bool stays = false;
            for (int choice = 0; choice < choices; choice++) {
                int rank = earlier[choice * experts + expert];
                for (i64 other = first; other < token; other++) {
                    const int* of = chosen + other * choices;
                    bool assigned = of[choice] >= 0 && expertOfRow[of[choice]] == expert;
                    rank += assigned && carrier(of, expertOfRow, choice) == choice;
                }
                int most = kept[choice * experts + expert];
                stays = choice == c ? rank < most : stays;
                slot += rank < most ? rank : most;
            }
            slot = stays ? slot : -1;
            for (int merged = c; merged < choices; merged++) {
                gate += carrier(mine, expertOfRow, merged) == c ? shares[token * choices + merged] : 0.0;
            }
        }
        slots[(i64) c * tokens + token] = slot;
        factors[(i64) c * tokens + token] = slot < 0 ? 0.0f : (float) gate;
        if (slot >= 0) {
            slotToken[slot] = (int) token;
            slotGate[slot] = (float) gate;
        }
    }
}

// Routing.backward: dLogits [N, R]. dots [S] the gradients of the gates by slot; slopes [R + 1]: the derivative of the balance loss
// by a probability of each row, and that of the z-loss by half of logsumexp^2.
extern "C" __launch_bounds__(ROUTED) __global__ void routerBackward(
        const float* logits,
        const int* expertOfRow,
        const int* chosen,
        const double* shares,
        const double* sums,
        const int* slots,
        const double* dots,
        const float* slopes,
        float* dLogits,
        int tokens,
        int rows,
        int choices,
        int renormalize,
        int partlyLive) {
    i64 token = (i64) blockIdx.x * ROUTED + threadIdx.x;
    if (token >= tokens) {
        return;
    }
    const float* x = logits + token * rows;
    const int* mine = chosen + token * choices;
    const double* share = shares + token * choices;
    bool real = mine[0] >= 0;
    double mean = 0;
    double inner = 0;
    double liveInner = 0;
    for (int r = 0; r < rows && real; r++) {
        inner += partlyLive ? 0.0 : slopes[r] * exp(x[r] - sums[2 * token]);
        liveInner += partlyLive && expertOfRow[r] >= 0 ? slopes[r] * exp(x[r] - sums[2 * token + 1]) : 0.0;
    }
    for (int c = 0; c < choices && real; c++) {
        int slot = slots[(i64) carrier(mine, expertOfRow, c) * tokens + token];
        double dGate = slot < 0 ? 0.0 : dots[slot];
        mean += dGate * share[c];
        inner += renormalize ? 0.0 : dGate * exp(x[mine[c]] - sums[2 * token]);
    }
    for (int r = 0; r < rows; r++) {
        double d = 0;
        if (real) {
            double slope = partlyLive ? 0.0 : slopes[r];
            double extra = 0;
            for (int c = 0; c < choices; c++) {
                if (mine[c] == r) {
                    int slot = slots[(i64) carrier(mine, expertOfRow, c) * tokens + token];
                    double dGate = slot < 0 ? 0.0 : dots[slot];
                    slope += renormalize ? 0.0 : dGate;
                    extra = renormalize ? share[c] * (dGate - mean) : 0.0;
                }
            }
            d = exp(x[r] - sums[2 * token]) * (slope - inner + slopes[rows] * sums[2 * token]) + extra;
            if (partlyLive && expertOfRow[r] >= 0) {
                d += exp(x[r] - sums[2 * token + 1]) * (slopes[r] - liveInner);
            }
        }
        dLogits[token * rows + r] = (float) d;
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
        int apply,
        unsigned short* rounded) {
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
            if (rounded) {
                rounded[i] = bf16(parameters[i]);
            }
        } else {
            gradient[i] = update;
        }
    }
}

// Collectives.reduceScatter between devices (the reference is FloatRange.sum): own [length] = ((v0 + v1) + v2) + ... over the ranks in
// their order; received [ranks - 1, length] are the values of the others. Any grid.
extern "C" __global__ void addRanks(const float* received, float* own, int rank, int ranks, i64 length) {
    i64 stride = (i64) gridDim.x * blockDim.x;
    for (i64 i = (i64) blockIdx.x * blockDim.x + threadIdx.x; i < length; i += stride) {
        float mine = own[i];
        float sum = rank == 0 ? mine : received[i];
        for (int other = 1; other < ranks; other++) {
            sum += other == rank ? mine : received[(other < rank ? other : other - 1) * length + i];
        }
        own[i] = sum;
    }
}
