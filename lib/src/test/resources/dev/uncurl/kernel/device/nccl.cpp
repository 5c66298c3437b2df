// Stands in for libnccl in tests: ranks are threads of one process, which find each other by the id, and values really move between
// their blocks of memory. A communicator is non-blocking, as the real one is asked to be: a call that needs other ranks returns
// "in progress", and ncclCommGetAsyncError does what has become possible meanwhile. Arguments are checked, so that a wrong layout of
// the id, of the configuration or of a call is an error. Functions prefixed standIn are for the tests.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

typedef unsigned long long u64;

bool standInInside(u64 address, u64 bytes);
bool standInIsStream(u64 stream);
int standInFault(const char* function);

static const int SUCCESS = 0, INTERNAL = 3, ARGUMENT = 4, USAGE = 5, REMOTE = 6, PROGRESS = 7;

struct Message {
    const char* values;
    size_t bytes;
    bool taken;
};
struct World {
    std::vector<struct ncclComm*> members;
    std::map<std::pair<int, int>, std::deque<std::shared_ptr<Message>>> sent;
    int arrived = 0;
    bool broken = false;
};
struct Receipt {
    int from;
    char* target;
    size_t bytes;
};
struct ncclComm {
    std::shared_ptr<World> world;
    int rank;
    ncclComm** handle;
    bool started = false;
    int error = 0;
    std::deque<Receipt> receipts;
    std::deque<std::shared_ptr<Message>> open;
};
struct Id {
    unsigned char bytes[128];
};
struct Config {
    size_t size;
    unsigned magic, version;
    int blocking, next;
};
struct Call {
    bool send;
    const void* buffer;
    size_t count;
    int peer;
    ncclComm* comm;
};

static std::recursive_mutex lock;
static std::map<std::string, std::shared_ptr<World>> worlds;
static std::set<ncclComm*> comms;
static int ids = 0, version = 22703;
static bool hangs = false;
static long long moved = 0;
static thread_local int depth = 0;
static thread_local std::vector<Call> calls;
typedef std::lock_guard<std::recursive_mutex> Locked;

static Id idOf(int number) {
    Id id;
    for (int i = 0; i < 128; i++) id.bytes[i] = (unsigned char) (number * 31 + i * 7 + 1);
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

// Takes what others have sent, in the order of sending; a rank is done when its own values have been taken too.
static int advance(ncclComm* comm) {
    if (comm->error) return comm->error;
    if (comm->world->broken) return comm->error = REMOTE;
    if (comm->world->arrived < (int) comm->world->members.size() || hangs) return PROGRESS;
    if (!comm->started) {
        comm->started = true;
        *comm->handle = comm; // as the real one does, from a thread of its own
    }
    for (auto receipt = comm->receipts.begin(); receipt != comm->receipts.end();) {
        auto& queue = comm->world->sent[{receipt->from, comm->rank}];
        if (queue.empty()) {
            ++receipt;
            continue;
        }
        auto message = queue.front();
        queue.pop_front();
        if (message->bytes != receipt->bytes) return comm->error = INTERNAL;
        memcpy(receipt->target, message->values, message->bytes);
        message->taken = true;
        moved += receipt->from == comm->rank ? 0 : message->bytes;
        receipt = comm->receipts.erase(receipt);
    }
    while (!comm->open.empty() && comm->open.front()->taken) comm->open.pop_front();
    return comm->receipts.empty() && comm->open.empty() ? SUCCESS : PROGRESS;
}

static int call(bool send, const void* buffer, size_t count, int type, int peer, ncclComm* comm, u64 stream) {
    Locked locked(lock);
    if (depth == 0) return USAGE; // a single call waits for its peer, which may be sending itself
    if (!comms.count(comm) || !comm->started) return ARGUMENT;
    bool valid = type == 7 && count > 0 && peer >= 0 && peer < (int) comm->world->members.size() && standInIsStream(stream)
            && standInInside((u64) buffer, 4 * count);
    if (!valid) return ARGUMENT;
    calls.push_back({send, buffer, count, peer, comm});
    return SUCCESS;
}

extern "C" {
void standInNccl(int code, int hang) {
    Locked locked(lock);
    version = code;
    hangs = hang;
}
void standInForgetNccl() {
    Locked locked(lock);
    worlds.clear();
    comms.clear();
    hangs = false;
    version = 22703;
    moved = 0;
}
// Communicators that have not been ended, and bytes that have moved between ranks.
long long standInComms() { Locked locked(lock); return (long long) comms.size(); }
long long standInMoved() { Locked locked(lock); return moved; }

int ncclGetVersion(int* code) { *code = version; return 0; }
const char* ncclGetErrorString(int result) {
    return result == USAGE ? "invalid usage" : result == ARGUMENT ? "invalid argument" : result == REMOTE
            ? "remote process exited or there was a network error" : "an error of the stand-in";
}
const char* ncclGetLastError(void*) { return ""; }

int ncclGetUniqueId(Id* id) {
    Locked locked(lock);
    if (int code = standInFault("ncclGetUniqueId")) return code;
    *id = idOf(++ids);
    return SUCCESS;
}

int ncclCommInitRankConfig(ncclComm** handle, int size, Id id, int rank, const Config* config) {
    Locked locked(lock);
    *handle = nullptr;
    if (int code = standInFault("ncclCommInitRankConfig")) return code;
    int number;
    memcpy(&number, id.bytes, sizeof number);
    Id expected = idOf(number);
    bool valid = number > 0 && number <= ids && !memcmp(&expected, &id, sizeof id) && rank >= 0 && rank < size
            && sizeof(Config) == 24 && config->size == 24 && config->magic == 0xcafebeef && config->version == 21400
            && config->blocking == 0 && config->next == INT32_MIN;
    if (!valid) return ARGUMENT;
    auto& world = worlds[std::string((const char*) id.bytes, 128)];
    if (!world) {
        world = std::make_shared<World>();
        world->members.resize(size);
    }
    if ((int) world->members.size() != size || world->members[rank]) return USAGE;
    auto comm = new ncclComm();
    comm->world = world;
    comm->rank = rank;
    comm->handle = handle;
    world->members[rank] = comm;
    world->arrived++;
    comms.insert(comm);
    *handle = comm;
    return PROGRESS;
}

int ncclCommGetAsyncError(ncclComm* comm, int* result) {
    Locked locked(lock);
    if (!comms.count(comm)) return ARGUMENT;
    if (int code = standInFault("ncclCommGetAsyncError")) comm->error = code;
    *result = advance(comm);
    return SUCCESS;
}

int ncclCommAbort(ncclComm* comm) {
    Locked locked(lock);
    if (!comms.erase(comm)) return ARGUMENT;
    comm->world->broken = true;
    delete comm;
    return SUCCESS;
}

int ncclGroupStart() { depth++; return SUCCESS; }
int ncclSend(const void* buffer, size_t count, int type, int peer, ncclComm* comm, u64 stream) {
    return call(true, buffer, count, type, peer, comm, stream);
}
int ncclRecv(void* buffer, size_t count, int type, int peer, ncclComm* comm, u64 stream) {
    return call(false, buffer, count, type, peer, comm, stream);
}

int ncclGroupEnd() {
    Locked locked(lock);
    if (depth == 0) return USAGE;
    if (--depth > 0 || calls.empty()) return SUCCESS;
    auto queued = std::move(calls);
    calls.clear();
    if (int code = standInFault("ncclGroupEnd")) return code;
    for (auto& one : queued) {
        if (one.send) {
            auto message = std::make_shared<Message>(Message{(const char*) one.buffer, 4 * one.count, false});
            one.comm->world->sent[{one.comm->rank, one.peer}].push_back(message);
            one.comm->open.push_back(message);
        } else {
            one.comm->receipts.push_back({one.peer, (char*) one.buffer, 4 * one.count});
        }
    }
    return PROGRESS;
}
}
