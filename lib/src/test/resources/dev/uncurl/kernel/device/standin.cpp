// Stands in for libcuda, libcublas and libnvrtc in tests (for libnccl: nccl.cpp): GPUs whose memory is the host's, with a guard on both sides of each
// block and NaN inside; products in plain loops; a compiler that is g++ with emulator.h. Functions prefixed standIn are for the
// tests: they set limits and faults, and count.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

typedef long long i64;
typedef unsigned long long u64;

static const size_t ALIGNMENT = 256;
static const size_t GUARD = 1 << 16;
static const u64 TOTAL = 80ull << 30;
static std::map<u64, size_t> blocks;
static u64 used = 0, limit = TOTAL;
struct Fault {
    int code;
    i64 after; // so many calls that succeed
};
static std::map<std::string, Fault> faults;
static unsigned mostThreads = 64;
static bool descending = false;
static std::recursive_mutex lock; // ranks are threads, each with a GPU of its own
typedef std::lock_guard<std::recursive_mutex> Locked;
static std::set<u64> streams;
struct Event {
    bool timed;
    double milliseconds; // when it was recorded; 0 before
};
static std::map<u64, Event> events;
static u64 handles = 100;
static int looks = 0;
static i64 chosen = 0;
static int optimization = 1, devices = 1, major_ = 9, driver = 13000, asynchronous = 0;

// That of this library: kernels are compiled into it.
static std::string folder() {
    static int anything;
    Dl_info info;
    std::string path = dladdr(&anything, &info) ? info.dli_fname : "./";
    return path.substr(0, path.rfind('/'));
}

static int fault(const char* function) {
    Locked locked(lock);
    auto found = faults.find(function);
    if (found == faults.end()) {
        return 0;
    }
    if (found->second.after-- > 0) {
        return 0;
    }
    int code = found->second.code;
    faults.erase(found);
    return code;
}

static bool inside(u64 address, u64 bytes) {
    Locked locked(lock);
    auto next = blocks.upper_bound(address);
    if (next == blocks.begin()) {
        return false;
    }
    auto block = std::prev(next);
    return bytes <= block->second && address - block->first <= block->second - bytes; // an address may be any number
}

// For nccl.cpp.
bool standInInside(u64 address, u64 bytes) { return inside(address, bytes); }
bool standInIsStream(u64 stream) { Locked locked(lock); return streams.count(stream); }
int standInFault(const char* function) { return fault(function); }

#define FAULT(name) \
    if (int code = fault(name)) return code;

extern "C" {
void standInFail(const char* function, int code, i64 after) { faults[function] = {code, after}; }
void standInLimit(i64 bytes) { limit = bytes < 0 ? TOTAL : (u64) bytes; }
void standInThreads(int most, int backwards) { mostThreads = most; descending = backwards; }
void standInMachine(int gpus, int capability, int version) { devices = gpus; major_ = capability; driver = version; }
void standInOptimize(int level) { optimization = level; }
void standInForget() {
    for (auto& block : blocks) free((char*) block.first - GUARD);
    blocks.clear();
    faults.clear();
    streams.clear();
    events.clear();
    used = asynchronous = 0;
    chosen = 0;
}
// Algorithms that cuBLASLt was asked for.
i64 standInChosen() { return chosen; }
i64 standInUsed() { return (i64) used; }
i64 standInEvents() { return (i64) events.size(); }
i64 standInBlocks() { return (i64) blocks.size(); }


// Executors are told by a file that the environment names: the first process to take it has a GPU that fails after as many kernels
// as it says.
static void takeFault() {
    const char* file = getenv("STAND_IN_FAULT");
    if (!file) return;
    std::string taken = std::string(file) + ".taken";
    if (rename(file, taken.c_str())) return;
    i64 after;
    if (std::ifstream(taken) >> after) faults["kernel"] = {214, after};
}
int cuInit(int) {
    static std::once_flag once;
    std::call_once(once, takeFault);
    FAULT("cuInit")
    return 0;
}
int cuDriverGetVersion(int* version) { *version = driver; return 0; }
int cuGetErrorName(int error, const char** text) {
    *text = error == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : error == 100 ? "CUDA_ERROR_NO_DEVICE"
            : error == 214 ? "CUDA_ERROR_ECC_UNCORRECTABLE" : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : nullptr;
    return *text ? 0 : 1;
}
int cuGetErrorString(int, const char** text) { *text = "a stand-in's error"; return 0; }
int cuDeviceGetCount(int* count) { *count = devices; return 0; }
int cuDeviceGet(int* device, int ordinal) { *device = ordinal; return ordinal < devices ? 0 : 101; }
int cuDeviceGetName(char* name, int length, int) { snprintf(name, length, "stand-in"); return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int) { *value = attribute == 75 ? major_ : 0; return 0; }
int cuDeviceGetUuid(unsigned char* uuid, int device) {
    FAULT("cuDeviceGetUuid")
    for (int i = 0; i < 16; i++) uuid[i] = (unsigned char) (device * 16 + i);
    return 0;
}
// Work of all streams is done at once, except that an event says so only at every third look.
int cuStreamCreate(u64* stream, int flags) { Locked locked(lock); streams.insert(*stream = ++handles); return flags == 1 ? 0 : 1; }
int cuStreamDestroy_v2(u64 stream) { Locked locked(lock); return streams.erase(stream) ? 0 : 400; }
int cuStreamWaitEvent(u64 stream, u64 event, int flags) {
    Locked locked(lock);
    return streams.count(stream) && events.count(event) && flags == 0 ? 0 : 400;
}
int cuEventCreate(u64* event, int flags) {
    Locked locked(lock);
    events[*event = ++handles] = {flags == 0, 0};
    return flags == 0 || flags == 2 ? 0 : 1;
}
int cuEventDestroy_v2(u64 event) { Locked locked(lock); return events.erase(event) ? 0 : 400; }
int cuEventRecord(u64 event, u64 stream) {
    Locked locked(lock);
    if (!events.count(event) || (stream != 0 && !streams.count(stream))) return 400;
    events[event].milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
    return 0;
}
int cuEventElapsedTime(float* milliseconds, u64 start, u64 end) {
    Locked locked(lock);
    for (u64 event : {start, end}) {
        if (!events.count(event) || !events[event].timed || events[event].milliseconds == 0) return 400;
    }
    *milliseconds = (float) (events[end].milliseconds - events[start].milliseconds);
    return 0;
}
int cuEventQuery(u64 event) {
    Locked locked(lock);
    FAULT("cuEventQuery")
    if (!events.count(event)) return 400;
    return ++looks % 3 ? 600 : 0;
}
int cuDevicePrimaryCtxRetain(u64* context, int) { FAULT("cuDevicePrimaryCtxRetain") *context = 1; return 0; }
int cuDevicePrimaryCtxRelease_v2(int) { return 0; }
int cuCtxSetCurrent(u64 context) { return context == 1 ? 0 : 201; }
int cuCtxSynchronize() {
    int code = asynchronous;
    asynchronous = 0;
    return code;
}
int cuMemGetInfo_v2(u64* free, u64* total) { *free = limit - used; *total = limit; return 0; }

int cuMemAlloc_v2(u64* address, u64 bytes) {
    Locked locked(lock);
    if (used + bytes > limit) {
        return 2;
    }
    char* block = (char*) aligned_alloc(ALIGNMENT, (bytes + 2 * GUARD + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    memset(block, 0xa5, GUARD);
    memset(block + GUARD, 0xff, bytes);
    memset(block + GUARD + bytes, 0xa5, GUARD);
    *address = (u64) (block + GUARD);
    blocks[*address] = bytes;
    used += bytes;
    return 0;
}

int cuMemFree_v2(u64 address) {
    Locked locked(lock);
    auto found = blocks.find(address);
    if (found == blocks.end()) {
        return 1;
    }
    size_t bytes = found->second;
    unsigned char* before = (unsigned char*) address - GUARD;
    unsigned char* after = before + GUARD + bytes;
    bool whole = before[0] == 0xa5 && after[0] == 0xa5 && !memcmp(before, before + 1, GUARD - 1)
            && !memcmp(after, after + 1, GUARD - 1);
    used -= bytes;
    blocks.erase(found);
    free(before);
    return whole ? 0 : 700;
}

int cuMemcpyHtoD_v2(u64 target, const void* source, u64 bytes) {
    FAULT("cuMemcpyHtoD_v2")
    if (!inside(target, bytes)) return 1;
    memcpy((void*) target, source, bytes);
    return 0;
}
int cuMemcpyDtoH_v2(void* target, u64 source, u64 bytes) {
    if (int code = cuCtxSynchronize()) return code;
    if (!inside(source, bytes)) return 1;
    memcpy(target, (void*) source, bytes);
    return 0;
}
int cuMemcpyDtoD_v2(u64 target, u64 source, u64 bytes) {
    if (!inside(source, bytes) || !inside(target, bytes)) return 1;
    memcpy((void*) target, (void*) source, bytes);
    return 0;
}
int cuMemsetD8_v2(u64 address, unsigned char value, u64 bytes) {
    if (!inside(address, bytes)) return 1;
    memset((void*) address, value, bytes);
    return 0;
}

// An image is the path of a shared library, see nvrtcCompileProgram.
int cuModuleLoadData(void** module, const char* image) {
    FAULT("cuModuleLoadData")
    *module = dlopen(image, RTLD_NOW | RTLD_LOCAL);
    return *module ? 0 : 200;
}
int cuModuleUnload(void*) { return 0; }
int cuModuleGetFunction(void** function, void* module, const char* name) {
    *function = dlsym(module, (std::string("launch_") + name).c_str());
    return *function ? 0 : 500;
}
int cuLaunchKernel(int (*function)(unsigned, unsigned, unsigned, unsigned, int, void**), unsigned x, unsigned y, unsigned z,
        unsigned threads, unsigned ty, unsigned tz, unsigned, u64 stream, void** arguments, void**) {
    Locked locked(lock);
    if (stream != 0 && !streams.count(stream)) return 400;
    asynchronous = asynchronous ? asynchronous : fault("kernel");
    if (z != 1 || ty != 1 || tz != 1) return 1;
    int code = function(x, y, threads, mostThreads, descending, arguments);
    return code == 0 ? 0 : code == 2 ? 1 : 719;
}

int cublasCreate_v2(u64* handle) { FAULT("cublasCreate_v2") *handle = 2; return 0; }
int cublasDestroy_v2(u64 handle) { return handle == 2 ? 0 : 1; }

// Column by column: c [m, n] = alpha op(a) [m, k] op(b) [k, n] + beta c
static void product(int ta, int tb, int m, int n, int k, float alpha, const float* a, int la, const float* b, int lb,
        float beta, float* c, int lc) {
    std::vector<float> column(k);
    for (int j = 0; j < n; j++) {
        float* out = c + (i64) j * lc;
        for (int i = 0; i < m; i++) out[i] = beta == 0 ? 0 : beta * out[i];
        for (int p = 0; p < k; p++) column[p] = alpha * (tb ? b[(i64) p * lb + j] : b[(i64) j * lb + p]);
        if (ta) {
            for (int i = 0; i < m; i++) {
                const float* row = a + (i64) i * la;
                float sum = 0;
                for (int p = 0; p < k; p++) sum += row[p] * column[p];
                out[i] += sum;
            }
        } else {
            for (int p = 0; p < k; p++) {
                const float* term = a + (i64) p * la;
                float factor = column[p];
                for (int i = 0; i < m; i++) out[i] += factor * term[i];
            }
        }
    }
}

// [columns] columns of [rows] elements as floats; those of type 14 are bfloat16.
static std::vector<float> floats(const void* from, int type, int rows, int columns, int leading) {
    std::vector<float> all((size_t) rows * columns);
    for (int j = 0; j < columns; j++) {
        for (int i = 0; i < rows; i++) {
            u64 at = (u64) j * leading + i;
            unsigned bits = type == 14 ? (unsigned) ((const unsigned short*) from)[at] << 16 : ((const unsigned*) from)[at];
            memcpy(&all[(size_t) j * rows + i], &bits, sizeof bits);
        }
    }
    return all;
}

}

// One product, of checked types; 13 if a matrix is not within a block of memory.
static int multiply(int ta, int tb, int m, int n, int k, float alpha, const char* x, int type, int la, const char* y, int lb,
        float beta, float* z, int lc) {
    u64 size = type == 14 ? 2 : 4;
    u64 lastA = size * ((u64) la * ((ta ? m : k) - 1) + (ta ? k : m));
    u64 lastB = size * ((u64) lb * ((tb ? k : n) - 1) + (tb ? n : k));
    u64 lastC = 4ull * ((u64) lc * (n - 1) + m);
    if (!inside((u64) x, lastA) || !inside((u64) y, lastB) || !inside((u64) z, lastC)) return 13;
    if (type == 0) {
        product(ta, tb, m, n, k, alpha, (const float*) x, la, (const float*) y, lb, beta, z, lc);
        return 0;
    }
    int rowsA = ta ? k : m, rowsB = tb ? n : k;
    std::vector<float> left = floats(x, type, rowsA, ta ? m : k, la);
    std::vector<float> right = floats(y, type, rowsB, tb ? k : n, lb);
    product(ta, tb, m, n, k, alpha, left.data(), rowsA, right.data(), rowsB, beta, z, lc);
    return 0;
}

extern "C" {
int cublasGemmStridedBatchedEx(u64 handle, int ta, int tb, int m, int n, int k, const float* alpha, const char* a, int typeA,
        int la, i64 sa, const char* b, int typeB, int lb, i64 sb, const float* beta, float* c, int typeC, int lc, i64 sc,
        int count, int compute, int algorithm) {
    FAULT("cublasGemmStridedBatchedEx")
    bool types = typeA == typeB && typeC == 0 && ((typeA == 0 && (compute == 68 || compute == 77)) || (typeA == 14 && compute == 68));
    bool valid = handle == 2 && m > 0 && n > 0 && k > 0 && types && algorithm == -1 && la >= (ta ? k : m) && lb >= (tb ? n : k) && lc >= m;
    if (!valid) return 7;
    for (int i = 0; i < count; i++) {
        u64 size = typeA == 14 ? 2 : 4;
        int code = multiply(ta, tb, m, n, k, *alpha, a + i * sa * size, typeA, la, b + i * sb * size, lb, *beta, c + i * sc, lc);
        if (code) return code;
    }
    return 0;
}

// As cuBLAS documents it: no results in floats of operands in bfloat16; tensor cores need operands at multiples of 16 bytes where rows
// are.
int cublasGemmGroupedBatchedEx(u64 handle, const int* ta, const int* tb, const int* m, const int* n, const int* k,
        const float* alpha, const char* const* a, int typeA, const int* la, const char* const* b, int typeB, const int* lb,
        const float* beta, float* const* c, int typeC, const int* lc, int groups, const int* sizes, int compute) {
    FAULT("cublasGemmGroupedBatchedEx")
    if (handle != 2 || groups < 0) return 7;
    if (typeA != 0 || typeB != 0 || typeC != 0 || (compute != 68 && compute != 77)) return 15;
    int count = 0;
    for (int i = 0; i < groups; i++) count += sizes[i];
    if (!inside((u64) a, 8ull * count) || !inside((u64) b, 8ull * count) || !inside((u64) c, 8ull * count)) return 13;
    for (int i = 0, at = 0; i < groups; i++) {
        bool valid = m[i] > 0 && n[i] > 0 && k[i] > 0 && la[i] >= (ta[i] ? k[i] : m[i]) && lb[i] >= (tb[i] ? n[i] : k[i]) && lc[i] >= m[i];
        if (!valid) return 7;
        for (int j = 0; j < sizes[i]; j++, at++) {
            if (compute == 77 && k[i] * 4 % 16 == 0 && ((u64) a[at] | (u64) b[at] | (u64) c[at]) % 16) return 13;
            int code = multiply(ta[i], tb[i], m[i], n[i], k[i], alpha[i], a[at], typeA, la[i], b[at], lb[i], beta[i], c[at], lc[i]);
            if (code) return code;
        }
    }
    return 0;
}

// cuBLASLt. An algorithm is the size that it was chosen for, and does not do for a larger one.
struct LtProduct { int ta, tb; };
struct LtLayout { int type; u64 rows, columns; i64 leading; };
struct LtAlgorithm { u64 m, n, k, chosen, rest[4]; };
struct LtAnswer { LtAlgorithm algorithm; u64 workspace; int state; float waves; int reserved[4]; };

int cublasLtMatmulDescCreate(LtProduct** product, int compute, int type) {
    FAULT("cublasLtMatmulDescCreate")
    *product = new LtProduct{};
    return compute == 68 && type == 0 ? 0 : 7;
}
int cublasLtMatmulDescSetAttribute(LtProduct* product, int attribute, const int* value, u64 bytes) {
    if (bytes != 4 || (attribute != 3 && attribute != 4)) return 7;
    (attribute == 3 ? product->ta : product->tb) = *value;
    return 0;
}
int cublasLtMatmulDescDestroy(LtProduct* product) { delete product; return 0; }
int cublasLtMatrixLayoutCreate(LtLayout** layout, int type, u64 rows, u64 columns, i64 leading) {
    *layout = new LtLayout{type, rows, columns, leading};
    return 0;
}
int cublasLtMatrixLayoutSetAttribute(LtLayout* layout, int attribute, const u64* value, u64 bytes) {
    if (bytes != 8 || attribute < 2 || attribute > 4) return 7;
    if (attribute == 2) layout->rows = *value;
    if (attribute == 3) layout->columns = *value;
    if (attribute == 4) layout->leading = (i64) *value;
    return 0;
}
int cublasLtMatrixLayoutDestroy(LtLayout* layout) { delete layout; return 0; }
int cublasLtMatmulPreferenceCreate(u64** preference) { *preference = new u64[16]{}; return 0; }
int cublasLtMatmulPreferenceSetAttribute(u64* preference, int attribute, const void* value, u64 bytes) {
    if (attribute < 1 || attribute > 8 || bytes != (attribute == 1 ? 8 : 4)) return 7;
    memcpy(&preference[attribute], value, bytes);
    return 0;
}
int cublasLtMatmulPreferenceDestroy(u64* preference) { delete[] preference; return 0; }

// The size of a product of consistent matrices; k is 0 for others.
static LtAlgorithm ltSize(const LtProduct* p, const LtLayout* a, const LtLayout* b, const LtLayout* c) {
    u64 m = p->ta ? a->columns : a->rows, k = p->ta ? a->rows : a->columns;
    u64 n = p->tb ? b->rows : b->columns, other = p->tb ? b->columns : b->rows;
    bool types = a->type == 14 && b->type == 14 && c->type == 0;
    bool leading = a->leading >= (i64) a->rows && b->leading >= (i64) b->rows && c->leading >= (i64) c->rows;
    return {m, n, types && leading && k == other && c->rows == m && c->columns == n ? k : 0, 1, {}};
}
int cublasLtMatmulAlgoGetHeuristic(u64 handle, LtProduct* product, LtLayout* a, LtLayout* b, LtLayout* c, LtLayout* d,
        const u64* preference, int requested, LtAnswer* answers, int* answered) {
    FAULT("cublasLtMatmulAlgoGetHeuristic")
    *answers = {ltSize(product, a, b, c), 0, 0, 1, {}};
    *answered = 1;
    chosen++;
    bool valid = handle == 2 && c == d && requested == 1 && answers->algorithm.k > 0 && preference[1] > 0;
    for (int i = 5; i <= 8; i++) valid = valid && preference[i] == 16;
    return valid ? 0 : 7;
}
int cublasLtMatmul(u64 handle, LtProduct* product, const float* alpha, const char* a, LtLayout* la, const char* b, LtLayout* lb,
        const float* beta, float* c, LtLayout* lc, float* d, LtLayout* ld, const LtAlgorithm* algorithm, char* workspace, u64 bytes,
        u64 stream) {
    FAULT("cublasLtMatmul")
    LtAlgorithm size = ltSize(product, la, lb, lc);
    if (handle != 2 || c != d || lc != ld || stream != 0 || size.k == 0 || algorithm->chosen != 1) return 7;
    if (size.m > algorithm->m || size.n > algorithm->n || size.k > algorithm->k) return 15;
    if (((u64) a | (u64) b | (u64) c) % 16 || !inside((u64) workspace, bytes)) return 13;
    memset(workspace, 0xff, bytes < 4096 ? bytes : 4096);
    return multiply(product->ta, product->tb, (int) size.m, (int) size.n, (int) size.k, *alpha, a, 14, (int) la->leading, b,
            (int) lb->leading, *beta, c, (int) lc->leading);
}

struct Program {
    std::string source, log, image;
};
int nvrtcVersion(int* major, int* minor) { *major = 13; *minor = 0; return 0; }
int nvrtcCreateProgram(Program** program, const char* source, const char*, int, void*, void*) {
    *program = new Program{source, "", ""};
    return 0;
}

// g++ makes a library of the kernels, with a function launch_<name> for each. Those with __launch_bounds__ have blocks of one size;
// those of the others are made smaller, which saves time.
int nvrtcCompileProgram(Program* program, int count, const char** options) {
    FAULT("nvrtcCompileProgram")
    static std::mutex compiling; // ranks that are threads begin together
    std::lock_guard<std::mutex> alone(compiling);
    if (count != 1 || strncmp(options[0], "--gpu-architecture=", 19)) return 5;
    std::string folder = ::folder();
    std::string known = folder + "/kernels-" + std::to_string(std::hash<std::string>()(program->source)) + ".so";
    if (access(known.c_str(), R_OK) == 0) { // of this process or of another one
        program->image = known;
        return 0;
    }
    std::string path = known + "." + std::to_string(getpid());
    std::ofstream text(path + ".cpp");
    text << "#include \"" << folder << "/emulator.h\"\n#line 1 \"kernels.cu\"\n" << program->source << "\n";
    const std::string mark = "__global__ void ";
    for (size_t at = 0; (at = program->source.find(mark, at)) != std::string::npos;) {
        at += mark.size();
        std::string name = program->source.substr(at, program->source.find('(', at) - at);
        size_t line = program->source.rfind('\n', at) + 1;
        bool fixed = program->source.substr(line, at - line).find("__launch_bounds__") != std::string::npos;
        text << "extern \"C\" int launch_" << name << "(unsigned x, unsigned y, unsigned threads, unsigned most, int backwards,"
             << " void** values) { return emulator::launch(" << name << ", x, y, "
             << (fixed ? "threads" : "threads < most ? threads : most") << ", backwards, values); }\n";
    }
    text.close();
    std::string compiler = "g++ -std=c++17 -O" + std::to_string(optimization) + " -w -fno-strict-aliasing -U_FORTIFY_SOURCE -fPIC";
    std::string header = folder + "/emulator.h.gch";
    if (optimization == 0 && access(header.c_str(), R_OK)) { // many faulty kernels follow
        system((compiler + " -x c++-header " + folder + "/emulator.h -o " + header).c_str());
    }
    int failed = system((compiler + " -shared -o " + path + ".so " + path + ".cpp 2> " + path + ".log").c_str());
    std::ifstream log(path + ".log");
    std::stringstream all;
    all << log.rdbuf();
    program->log = all.str();
    if (failed || rename((path + ".so").c_str(), known.c_str())) return 6;
    program->image = known;
    return 0;
}
int nvrtcGetProgramLogSize(Program* program, size_t* size) { *size = program->log.size() + 1; return 0; }
int nvrtcGetProgramLog(Program* program, char* log) { strcpy(log, program->log.c_str()); return 0; }
int nvrtcGetCUBINSize(Program* program, size_t* size) { *size = program->image.size() + 1; return 0; }
int nvrtcGetCUBIN(Program* program, char* image) { strcpy(image, program->image.c_str()); return 0; }
int nvrtcGetPTXSize(Program* program, size_t* size) { return nvrtcGetCUBINSize(program, size); }
int nvrtcGetPTX(Program* program, char* image) { return nvrtcGetCUBIN(program, image); }
int nvrtcDestroyProgram(Program** program) { delete *program; return 0; }
}
