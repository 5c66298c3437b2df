// Runs CUDA C on a CPU (x86-64), for tests: kernels.cu is compiled by g++ with this file in front of it. The threads of a block are
// fibres, blocks run one after another. A fibre runs until it waits at a barrier; then the first warp that can go on does, in
// ascending or descending order. So one warp gets as far ahead of the others as the barriers allow, and a missing barrier shows.
// What it cannot show: races within a warp, races between blocks, the rounding of a GPU's own functions.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>
#define EMULATED
#define __launch_bounds__(...)
#define __device__ static
#define __global__
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))

struct float2 {
    float x, y;
};
struct uint4 {
    unsigned x, y, z, w;
};
struct dim3 {
    unsigned x, y, z;
};
static dim3 gridDim, blockDim, blockIdx, threadIdx;

// Pushes the registers that a called function must preserve, saves the stack pointer in *from, and continues on the stack `to`, which was
// saved in the same way.
extern "C" void emulatorSwitch(void** from, void* to) __attribute__((visibility("hidden")));
asm(R"(
.text
.globl emulatorSwitch
.hidden emulatorSwitch
.type emulatorSwitch, @function
emulatorSwitch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size emulatorSwitch, . - emulatorSwitch
)");

namespace emulator {
static const unsigned WARP_SIZE = 32;
static const unsigned MOST_THREADS = 1024;
static const size_t STACK = 1 << 16;
static const unsigned KEPT_REGISTERS = 6;

struct Barrier {
    unsigned arrived, round;
};
struct Fiber {
    char* memory; // of its stack; null: it was never used
    void* stack;
    Barrier* waitsAt; // null: it does not wait
    unsigned round;   // of the barrier when the fibre arrived
    bool done;
};
static Fiber fibers[MOST_THREADS];
static Barrier warps[MOST_THREADS / WARP_SIZE];
static Barrier block;
static void* launcher; // the stack of runBlock
static unsigned turn;  // of the fibre that runs: its place in the order of its warp
static unsigned current, left;
static void (*body)(void*);
static void* arguments;
static bool descending;

// Copies to shared memory that a thread has begun: they are made when it waits for them, so that a tile which is read too early shows.
struct Copy {
    void* to;
    const void* from; // null for zeros
    int bytes;
};
static std::vector<std::vector<Copy>> groups[MOST_THREADS]; // the last one has not been ended

static unsigned ordered(unsigned place, unsigned count) {
    return descending ? count - 1 - place : place;
}

static bool runnable(const Fiber& fiber) {
    return !fiber.done && (!fiber.waitsAt || fiber.waitsAt->round != fiber.round);
}

// Looks for a fibre of a warp that can go on, beginning at a place in its order.
static bool find(unsigned warp, unsigned place) {
    for (; place < WARP_SIZE; place++) {
        unsigned thread = warp * WARP_SIZE + ordered(place, WARP_SIZE);
        if (runnable(fibers[thread])) {
            turn = place;
            current = thread;
            return true;
        }
    }
    return false;
}

static bool findAny() {
    unsigned count = blockDim.x / WARP_SIZE;
    for (unsigned w = 0; w < count; w++) {
        if (find(ordered(w, count), 0)) {
            return true;
        }
    }
    return false;
}

// The running fibre lets another one run: one of its warp that has had no turn yet, else one of the first warp that can go on.
static void yield() {
    Fiber& self = fibers[current];
    bool found = find(current / WARP_SIZE, turn + 1) || findAny();
    if (found && &fibers[current] == &self) {
        return;
    }
    threadIdx = {current, 0, 0};
    emulatorSwitch(&self.stack, found ? fibers[current].stack : launcher);
}

static void entry() {
    for (;;) {
        body(arguments);
        fibers[current].done = true;
        left--;
        yield();
    }
}

// A fibre that has not begun: a stack on which emulatorSwitch returns to entry, as if that had been called.
static void prepare(Fiber& fiber) {
    if (!fiber.memory) {
        fiber.memory = (char*) aligned_alloc(16, STACK);
    }
    void** top = (void**) (fiber.memory + STACK);
    *--top = nullptr;
    *--top = (void*) entry;
    top -= KEPT_REGISTERS;
    memset(top, 0, KEPT_REGISTERS * sizeof(void*));
    fiber.stack = top;
}

static void wait(Barrier& barrier, unsigned size) {
    if (++barrier.arrived == size) {
        barrier.arrived = 0;
        barrier.round++;
        return;
    }
    Fiber& fiber = fibers[current];
    fiber.waitsAt = &barrier;
    fiber.round = barrier.round;
    yield();
    fiber.waitsAt = nullptr;
}

// The barrier of the warp whose thread runs.
static Barrier& warp() {
    return warps[threadIdx.x / WARP_SIZE];
}

// false if threads wait at barriers that others never reach
static bool runBlock() {
    unsigned threads = blockDim.x;
    for (unsigned t = 0; t < threads; t++) {
        if (!fibers[t].memory) {
            prepare(fibers[t]);
        }
        groups[t].assign(1, {});
        fibers[t].done = false;
        fibers[t].waitsAt = nullptr;
    }
    memset(warps, 0, sizeof warps);
    block = {};
    left = threads;
    findAny();
    threadIdx = {current, 0, 0};
    emulatorSwitch(&launcher, fibers[current].stack);
    if (left == 0) {
        return true;
    }
    for (unsigned t = 0; t < threads; t++) {
        prepare(fibers[t]); // some stopped somewhere
    }
    return false;
}

template <typename... P>
struct Call {
    void (*function)(P...);
    void** values;
    template <size_t... I>
    void apply(std::index_sequence<I...>) {
        function(*(P*) values[I]...);
    }
    static void run(void* self) { ((Call*) self)->apply(std::index_sequence_for<P...>()); }
};

// 0, or 1 for a deadlock, 2 for a launch that a GPU would refuse
template <typename... P>
static int launch(void (*function)(P...), unsigned x, unsigned y, unsigned threads, bool backwards, void** values) {
    if (x < 1 || y < 1 || x > 2147483647u || y > 65535 || threads < 1 || threads > 1024 || threads % WARP_SIZE) {
        return 2;
    }
    Call<P...> call{function, values};
    gridDim = {x, y, 1};
    blockDim = {threads, 1, 1};
    body = Call<P...>::run;
    arguments = &call;
    descending = backwards;
    for (unsigned j = 0; j < y; j++) {
        for (unsigned i = 0; i < x; i++) {
            blockIdx = {i, j, 0};
            if (!runBlock()) {
                return 1;
            }
        }
    }
    return 0;
}
} // namespace emulator

static void __syncthreads() {
    emulator::wait(emulator::block, blockDim.x);
}

// Values of all threads, for exchanges within a warp. There are two sets, used in turn: a lane that has read its value may write the
// next one before another lane has read.
static double lanes[2][emulator::MOST_THREADS];

// threadIdx is set at every turn, so that a fibre finds its own number when it goes on
template <typename T>
static T __shfl_xor_sync(unsigned, T value, int mask) {
    unsigned self = threadIdx.x;
    emulator::Barrier& warp = emulator::warp();
    double* all = lanes[warp.round % 2];
    memcpy(&all[self], &value, sizeof(T));
    emulator::wait(warp, emulator::WARP_SIZE);
    T other;
    memcpy(&other, &all[self ^ mask], sizeof(T));
    return other;
}

// Tensor cores in TF32 without their rounding, in bfloat16 with it: a product of the warp's fragments, see multiplyAdd of kernels.cu.
static float rounded(float x) {
    return x;
}

static unsigned short bf16(float x) {
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) {
        return 0x7fff;
    }
    unsigned lower = bits & 0xffff;
    bool up = lower > 0x8000 || (lower == 0x8000 && (bits & 0x10000));
    return (bits >> 16) + up;
}

static unsigned bf16Pair(float lower, float upper) {
    return bf16(lower) | (unsigned) bf16(upper) << 16;
}

static float powerOf2(float x) {
    return exp2f(x);
}

static float __uint_as_float(unsigned bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

template <int BYTES>
static void copyAsync(void* shared, const void* from, bool there) {
    emulator::groups[threadIdx.x].back().push_back({shared, there ? from : nullptr, BYTES});
}

static void endCopies() {
    emulator::groups[threadIdx.x].emplace_back();
}

template <int GROUPS>
static void waitForCopies() {
    auto& groups = emulator::groups[threadIdx.x];
    while (groups.size() - 1 > GROUPS) {
        for (auto& copy : groups.front()) {
            if (copy.from) {
                memcpy(copy.to, copy.from, copy.bytes);
            } else {
                memset(copy.to, 0, copy.bytes);
            }
        }
        groups.erase(groups.begin());
    }
}

static const unsigned short* addresses[2][emulator::MOST_THREADS];

// The addresses that the lanes of the warp give.
static const unsigned short** exchange(const unsigned short* row) {
    unsigned self = threadIdx.x;
    emulator::Barrier& warp = emulator::warp();
    const unsigned short** all = addresses[warp.round % 2];
    if ((size_t) row % 16) {
        abort(); // a GPU would fail
    }
    all[self] = row;
    emulator::wait(warp, emulator::WARP_SIZE);
    return all + self / emulator::WARP_SIZE * emulator::WARP_SIZE;
}

static void loadMatrices(unsigned* to, const unsigned short* row) {
    const unsigned short** rows = exchange(row);
    unsigned lane = threadIdx.x % emulator::WARP_SIZE;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned short* of = rows[i * 8 + lane / 4] + lane % 4 * 2;
        to[i] = of[0] | (unsigned) of[1] << 16;
    }
}

static void loadTransposed(unsigned* to, const unsigned short* row) {
    const unsigned short** rows = exchange(row);
    unsigned lane = threadIdx.x % emulator::WARP_SIZE;
    for (unsigned i = 0; i < 4; i++) {
        unsigned lower = rows[i * 8 + lane % 4 * 2][lane / 4];
        unsigned upper = rows[i * 8 + lane % 4 * 2 + 1][lane / 4];
        to[i] = lower | upper << 16;
    }
}

static unsigned fragments[2][emulator::MOST_THREADS][6];

// Waits until all lanes have given their fragments, and returns those of the warp.
static unsigned (*exchange(const void* a, const void* b))[6] {
    unsigned self = threadIdx.x;
    emulator::Barrier& warp = emulator::warp();
    unsigned(*all)[6] = fragments[warp.round % 2];
    memcpy(all[self], a, 4 * sizeof(unsigned));
    memcpy(all[self] + 4, b, 2 * sizeof(unsigned));
    emulator::wait(warp, emulator::WARP_SIZE);
    return all + self / emulator::WARP_SIZE * emulator::WARP_SIZE;
}

// The element k % 2 of a register that has two.
static float element(unsigned pair, unsigned k) {
    return __uint_as_float(k % 2 ? pair & 0xffff0000 : pair << 16);
}

static void multiplyAdd(float* c, const unsigned* a, const unsigned* b) {
    unsigned(*of)[6] = exchange(a, b);
    unsigned lane = threadIdx.x % emulator::WARP_SIZE;
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = lane / 4 + i / 2 * 8;
        unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 16; k++) {
            unsigned* left = of[row % 8 * 4 + k % 8 / 2];
            unsigned* right = of[column * 4 + k % 8 / 2];
            c[i] += element(left[row / 8 + k / 8 * 2], k) * element(right[4 + k / 8], k);
        }
    }
}

static void multiplyAdd(float* c, const float* a, const float* b) {
    unsigned(*of)[6] = exchange(a, b);
    unsigned lane = threadIdx.x % emulator::WARP_SIZE;
    for (unsigned i = 0; i < 4; i++) {
        unsigned upper = i / 2; // rows 8 to 15
        unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 8; k++) {
            float left = __uint_as_float(of[lane / 4 * 4 + k % 4][upper + k / 4 * 2]);
            c[i] += left * __uint_as_float(of[column * 4 + k % 4][4 + k / 4]);
        }
    }
}
