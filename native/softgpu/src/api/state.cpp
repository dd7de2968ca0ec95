#include "api/state.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>
#include <thread>

namespace softgpu {
namespace {

constexpr uint64_t kDefaultMemory = 8ull << 30;
constexpr unsigned kMostThreads = 4; /* unless asked for */
constexpr int64_t kDefaultLimit = 1ll << 33; /* warp instructions of a block */

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

[[noreturn]] void misconfigured(const std::string& what) {
  std::fprintf(stderr, "softgpu: %s\n", what.c_str());
  refuse(CUDA_ERROR_NO_DEVICE);
}

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = environment(name);
  if (!text) return otherwise;
  char* end;
  const uint64_t value = std::strtoull(text, &end, 0);
  if (*end) misconfigured(std::string(name) + " is no number: " + text);
  return value;
}

bool kind_of_failure(const std::string& name, Failure::Kind& kind) {
  constexpr std::pair<const char*, Failure::Kind> kKinds[] = {{"alloc", Failure::alloc},
                                                              {"launch", Failure::launch},
                                                              {"lost", Failure::lost},
                                                              {"cudnn", Failure::cudnn},
                                                              {"nccl", Failure::nccl}};
  for (const auto& [text, value] : kKinds)
    if (name == text) {
      kind = value;
      return true;
    }
  return false;
}

void write_counts_at_exit() {
  if (const char* path = environment("WISP_SOFTGPU_COUNTS")) write_counts(path);
}

}  // namespace

Driver& Driver::get() {
  static Driver* driver = new Driver; /* outlives every other object */
  return *driver;
}

void Driver::configure() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c"))
    misconfigured("the software CUDA device needs a processor with AVX2, FMA and F16C");
#endif
  const char* list = environment("WISP_SOFTGPU_DEVICES");
  const uint64_t bytes = number("WISP_SOFTGPU_MEMORY", kDefaultMemory);
  if (const char* order = environment("WISP_SOFTGPU_ORDER")) {
    random = std::strcmp(order, "plain") != 0;
    if (random) seed = number("WISP_SOFTGPU_ORDER", 0);
  }
  instruction_limit = static_cast<int64_t>(number("WISP_SOFTGPU_LIMIT", kDefaultLimit));
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  threads = static_cast<unsigned>(std::max<uint64_t>(1, number("WISP_SOFTGPU_THREADS", std::min(cores, kMostThreads))));
  if (const char* text = environment("WISP_SOFTGPU_FAIL"))
    if (!parse_failures(text, failures)) misconfigured(std::string("WISP_SOFTGPU_FAIL is malformed: ") + text);
  for (const std::string& part : split(list ? list : "75", ',')) {
    auto device = std::make_unique<Device>();
    device->index = static_cast<int>(devices.size());
    device->capability = std::atoi(part.c_str());
    if (device->capability < 50 || device->capability > 129)
      misconfigured("WISP_SOFTGPU_DEVICES: no compute capability: " + part);
    device->memory = std::make_unique<DeviceMemory>(bytes);
    device->default_pool = std::make_unique<Pool>();
    device->default_pool->device = device.get();
    device->pool = device->default_pool.get();
    add_handle(*device->pool);
    devices.push_back(std::move(device));
  }
  std::atexit(write_counts_at_exit);
  initialised = true;
}

bool parse_failures(const std::string& text, std::vector<Failure>& out) {
  std::vector<Failure> parsed;
  for (const std::string& part : split(text, ',')) {
    const size_t colon = part.find(':');
    if (colon == std::string::npos) return false;
    std::string kind = part.substr(0, colon);
    Failure f{Failure::alloc, -1, std::strtoull(part.c_str() + colon + 1, nullptr, 10)};
    const size_t at = kind.find('@');
    if (at != std::string::npos) {
      f.device = std::atoi(kind.c_str() + at + 1);
      kind.resize(at);
    }
    if (f.at == 0 || !kind_of_failure(kind, f.kind)) return false;
    parsed.push_back(f);
  }
  out = parsed;
  return true;
}

bool Driver::fails(Failure::Kind kind, Device& device) {
  for (Failure& f : failures) {
    if (f.kind != kind || (f.device >= 0 && f.device != device.index) || f.at == 0) continue;
    if (--f.at == 0) return true;
  }
  return false;
}

void report(const std::string& text) {
  Driver::get().report = text;
  FILE* out = stderr;
  if (const char* path = environment("WISP_SOFTGPU_REPORT"))
    if (FILE* file = std::fopen(path, "a")) out = file;
  std::fprintf(out, "softgpu: %s\n", text.c_str());
  if (out != stderr) std::fclose(out);
}

std::string counts_json() {
  std::ostringstream out;
  out << "{";
  bool first = true;
  for (const auto& [name, c] : Driver::get().counts) {
    out << (first ? "\n" : ",\n") << "  \"" << name << "\": {";
    first = false;
    const std::pair<const char*, uint64_t> fields[] = {
        {"launches", c.launches}, {"blocks", c.blocks}, {"threads", c.threads},
        {"warp_instructions", c.warp_instructions}, {"lane_instructions", c.lane_instructions},
        {"global_bytes_read", c.global_read}, {"global_bytes_written", c.global_written},
        {"global_sectors_read", c.sectors_read}, {"global_sectors_written", c.sectors_written},
        {"global_atomics", c.global_atomics}, {"shared_bytes_read", c.shared_read},
        {"shared_bytes_written", c.shared_written}, {"shared_atomics", c.shared_atomics},
        {"local_bytes", c.local_bytes}, {"barriers", c.barriers},
        {"matrix_operations", c.matrix_operations}};
    bool separate = false;
    for (const auto& [field, value] : fields) {
      out << (separate ? ", " : "") << "\"" << field << "\": " << value;
      separate = true;
    }
    out << "}";
  }
  out << "\n}\n";
  return out.str();
}

std::string calls_json() {
  std::ostringstream out;
  const char* separator = "{";
  for (const auto& [name, calls] : Driver::get().calls) {
    out << separator << "\n  \"" << name << "\": " << calls;
    separator = ",";
  }
  out << (*separator == '{' ? "{" : "") << "\n}\n";
  return out.str();
}

bool write_counts(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "w");
  if (!file) return false;
  const std::string text = counts_json();
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

std::vector<Context*>& context_stack() {
  static thread_local std::vector<Context*> stack;
  return stack;
}

CUresult enter(const std::function<void()>& body, const char* function) {
  Driver& driver = Driver::get();
  const std::lock_guard<std::recursive_mutex> hold(driver.lock);
  ++driver.calls[function];
  if (!driver.initialised) return CUDA_ERROR_NOT_INITIALIZED;
  try {
    body();
    return CUDA_SUCCESS;
  } catch (const Status& status) {
    return status.code;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (const std::exception& e) {
    report(std::string("internal error: ") + e.what());
    return CUDA_ERROR_UNKNOWN;
  }
}

Context& current_even_failed() {
  require(!context_stack().empty() && context_stack().back(), CUDA_ERROR_INVALID_CONTEXT);
  Context* context = context_stack().back();
  require(known(context, Kind::context), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  return *context;
}

Context& current() {
  Context& context = current_even_failed();
  require(!context.device->lost, CUDA_ERROR_DEVICE_UNAVAILABLE);
  require(context.error == CUDA_SUCCESS, context.error);
  return context;
}

Device& device_at(CUdevice device) {
  Driver& driver = Driver::get();
  require(device >= 0 && static_cast<size_t>(device) < driver.devices.size(), CUDA_ERROR_INVALID_DEVICE);
  return *driver.devices[static_cast<size_t>(device)];
}

bool known(const void* handle, Kind kind) {
  const auto& handles = Driver::get().handles;
  const auto found = handles.find(handle);
  return found != handles.end() && found->second == kind;
}

Stream& stream_of(CUstream s) {
  Context& context = current();
  if (reinterpret_cast<uintptr_t>(s) <= 2) return *context.default_stream;
  return object(s, Kind::stream);
}

void add_handle(Object& o) { Driver::get().handles[&o] = o.kind; }

void remove_handle(Object& o) { Driver::get().handles.erase(&o); }

void fail_context(Context& context, CUresult code) {
  if (context.error == CUDA_SUCCESS) context.error = code;
}

}  // namespace softgpu
