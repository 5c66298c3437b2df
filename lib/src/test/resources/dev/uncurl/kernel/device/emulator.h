// Runs CUDA C on a CPU, for tests: kernels.cu is compiled by g++ with this file in front of it. The threads of a block are
// fibres, blocks run one after another. A fibre runs until it waits at a barrier; then the first warp that can go on does, in
// ascending or descending order. So one warp gets as far ahead of the others as the barriers allow, and a missing barrier shows.
// What it cannot show: races within a warp, races between blocks, the rounding of a GPU's own functions.
#pragma once
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <utility>
#include <vector>
#define EMULATED
#define __launch_bounds__(...)
#define __device__ static
#define __global__
#define __shared__ static
#define __align__(bytes) __attribute__((aligned(bytes)))

struct dim3 {
    unsigned x, y, z;
};
static dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulator {
static const unsigned WARP_SIZE = 32;
static const size_t STACK = 1 << 16;

struct Barrier {
    unsigned arrived, round;
};
struct Fiber {
    ucontext_t context;
    jmp_buf at;
    bool started, done;
    Barrier* waitsAt; // null: it does not wait
    unsigned round;   // of the barrier when the fibre arrived
};
static std::vector<Fiber*> fibers;
static std::vector<Barrier> warps;
static std::vector<double> lanes; // a value of each thread, for exchanges within a warp
static Barrier block;
static ucontext_t first;
static jmp_buf scheduler;
static unsigned current, left;
static void (*body)(void*);
static void* arguments;
static bool descending;

// _setjmp and _longjmp switch without a system call; ucontext only starts a fibre, once for all blocks
static void yield() {
    if (!_setjmp(fibers[current]->at)) {
        _longjmp(scheduler, 1);
    }
}

static void entry() {
    for (;;) {
        body(arguments);
        fibers[current]->done = true;
        left--;
        yield();
    }
}

static void turn() {
    if (_setjmp(scheduler)) {
        return;
    }
    Fiber* fiber = fibers[current];
    if (fiber->started) {
        _longjmp(fiber->at, 1);
    }
    fiber->started = true;
    swapcontext(&first, &fiber->context);
}

static void wait(Barrier& barrier, unsigned size) {
    if (++barrier.arrived == size) {
        barrier.arrived = 0;
        barrier.round++;
        return;
    }
    Fiber* fiber = fibers[current];
    fiber->waitsAt = &barrier;
    fiber->round = barrier.round;
    yield();
    fiber->waitsAt = nullptr;
}

static bool runnable(const Fiber* fiber) {
    return !fiber->done && (!fiber->waitsAt || fiber->waitsAt->round != fiber->round);
}

static bool runWarp(unsigned warp) {
    bool ran = false;
    for (unsigned lane = 0; lane < WARP_SIZE; lane++) {
        unsigned thread = warp * WARP_SIZE + (descending ? WARP_SIZE - 1 - lane : lane);
        if (runnable(fibers[thread])) {
            current = thread;
            threadIdx = {thread, 0, 0};
            turn();
            ran = true;
        }
    }
    return ran;
}

// false if threads wait at barriers that others never reach
static bool runBlock() {
    unsigned threads = blockDim.x;
    while (fibers.size() < threads) {
        Fiber* fiber = new Fiber();
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = malloc(STACK);
        fiber->context.uc_stack.ss_size = STACK;
        makecontext(&fiber->context, entry, 0);
        fibers.push_back(fiber);
    }
    unsigned count = threads / WARP_SIZE;
    warps.assign(count, {});
    lanes.resize(threads);
    block = {};
    for (unsigned t = 0; t < threads; t++) {
        fibers[t]->done = false;
        fibers[t]->waitsAt = nullptr;
    }
    for (left = threads; left > 0;) {
        bool ran = false;
        for (unsigned w = 0; w < count && !ran; w++) {
            ran = runWarp(descending ? count - 1 - w : w);
        }
        if (!ran) {
            return false;
        }
    }
    return true;
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

// the scheduler sets threadIdx at every turn, so that a fibre finds its own number when it goes on
template <typename T>
static T __shfl_xor_sync(unsigned, T value, int mask) {
    unsigned self = threadIdx.x;
    emulator::Barrier& warp = emulator::warps[self / emulator::WARP_SIZE];
    memcpy(&emulator::lanes[self], &value, sizeof(T));
    emulator::wait(warp, emulator::WARP_SIZE);
    T other;
    memcpy(&other, &emulator::lanes[self ^ mask], sizeof(T));
    emulator::wait(warp, emulator::WARP_SIZE);
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

static float fromBf16(unsigned bits) {
    bits <<= 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static unsigned fragments[1024][6];

// Until all lanes have given their fragments.
static unsigned exchange(const void* a, const void* b) {
    unsigned self = threadIdx.x;
    memcpy(fragments[self], a, 4 * sizeof(unsigned));
    memcpy(fragments[self] + 4, b, 2 * sizeof(unsigned));
    emulator::wait(emulator::warps[self / emulator::WARP_SIZE], emulator::WARP_SIZE);
    return self;
}

// The element k % 2 of a register that has two.
static float element(unsigned pair, unsigned k) {
    return fromBf16(k % 2 ? pair >> 16 : pair & 0xffff);
}

static void multiplyAdd(float* c, const unsigned* a, const unsigned* b) {
    unsigned self = exchange(a, b);
    unsigned first = self / emulator::WARP_SIZE * emulator::WARP_SIZE;
    unsigned lane = self - first;
    for (unsigned i = 0; i < 4; i++) {
        unsigned row = lane / 4 + i / 2 * 8;
        unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 16; k++) {
            unsigned* left = fragments[first + row % 8 * 4 + k % 8 / 2];
            unsigned* right = fragments[first + column * 4 + k % 8 / 2];
            c[i] += element(left[row / 8 + k / 8 * 2], k) * element(right[4 + k / 8], k);
        }
    }
    emulator::wait(emulator::warps[self / emulator::WARP_SIZE], emulator::WARP_SIZE);
}

static float asFloat(unsigned bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void multiplyAdd(float* c, const float* a, const float* b) {
    unsigned self = exchange(a, b);
    unsigned first = self / emulator::WARP_SIZE * emulator::WARP_SIZE;
    emulator::Barrier& warp = emulator::warps[self / emulator::WARP_SIZE];
    unsigned lane = self - first;
    for (unsigned i = 0; i < 4; i++) {
        unsigned upper = i / 2; // rows 8 to 15
        unsigned column = lane % 4 * 2 + i % 2;
        for (unsigned k = 0; k < 8; k++) {
            float left = asFloat(fragments[first + lane / 4 * 4 + k % 4][upper + k / 4 * 2]);
            c[i] += left * asFloat(fragments[first + column * 4 + k % 4][4 + k / 4]);
        }
    }
    emulator::wait(warp, emulator::WARP_SIZE);
}
