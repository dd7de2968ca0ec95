/* Handles, and how a call begins and ends. */
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>

#include "objects.h"
#include "softgpu.h"

extern "C" {
int cuCtxGetCurrent(void**);
int cuStreamGetCtx(void*, void**);
int cuGetErrorName(int, const char**);
}

namespace softcudnn {
namespace {

thread_local std::string last_error;

struct Registry {
  std::mutex lock;
  std::unordered_map<const void*, Kind> objects;
};

Registry& registry() {
  static Registry* all = new Registry; /* outlives every other object */
  return *all;
}

std::string name_of(int driver_code) {
  const char* name = nullptr;
  return cuGetErrorName(driver_code, &name) == 0 && name ? name : std::to_string(driver_code);
}

int run(void* work) {
  try {
    (*static_cast<std::function<void()>*>(work))();
    return 0;
  } catch (const DeviceFault& fault) {
    return fault.code;
  } catch (const std::bad_alloc&) {
    constexpr int kOutOfMemory = 2;
    return kOutOfMemory;
  }
}

void discard(void* work) { delete static_cast<std::function<void()>*>(work); }

}  // namespace

cudnnStatus_t enter(const char* function, const std::function<void()>& body) {
  try {
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const Refusal& refusal) {
    last_error = std::string(function) + ": " + refusal.why;
    return refusal.status;
  } catch (const std::bad_alloc&) {
    last_error = std::string(function) + ": no host memory";
    return CUDNN_STATUS_ALLOC_FAILED;
  }
}

void add(const void* object, Kind kind) {
  const std::lock_guard<std::mutex> hold(registry().lock);
  registry().objects[object] = kind;
}

void expect(const void* object, Kind kind, const char* what) {
  require(object, std::string(what) + " is null", CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
  const std::lock_guard<std::mutex> hold(registry().lock);
  const auto found = registry().objects.find(object);
  require(found != registry().objects.end() && found->second == kind,
          std::string(what) + " is none: destroyed, or of another kind");
}

void remove(const void* object, Kind kind) {
  expect(object, kind, "what is destroyed");
  const std::lock_guard<std::mutex> hold(registry().lock);
  registry().objects.erase(object);
}

cudnnContext& handle_of(cudnnHandle_t handle) {
  expect(handle, Kind::handle, "handle");
  void* current = nullptr;
  require(cuCtxGetCurrent(&current) == 0 && current == handle->context,
          "the handle belongs to a context that is not the current one");
  return *handle;
}

void launch(cudnnContext& handle, std::function<void()> work) {
  require(!softgpu_fails("cudnn"), "a planned failure", CUDNN_STATUS_EXECUTION_FAILED);
  const int code = softgpu_submit(handle.stream, run, discard, new std::function<void()>(std::move(work)));
  require(code == 0, "the device answered " + name_of(code), CUDNN_STATUS_EXECUTION_FAILED);
}

}  // namespace softcudnn

using namespace softcudnn;

CUDNN_API size_t cudnnGetVersion() { return kCudnnVersion; }
CUDNN_API size_t cudnnGetCudartVersion() { return kCudartVersion; }

CUDNN_API const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (static_cast<int>(status)) {
#define NAME(status) case status: return #status
    NAME(CUDNN_STATUS_SUCCESS);
    NAME(CUDNN_STATUS_NOT_INITIALIZED);
    NAME(CUDNN_STATUS_BAD_PARAM);
    NAME(CUDNN_STATUS_BAD_PARAM_NULL_POINTER);
    NAME(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER);
    NAME(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED);
    NAME(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND);
    NAME(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    NAME(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
    NAME(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH);
    NAME(CUDNN_STATUS_NOT_SUPPORTED);
    NAME(CUDNN_STATUS_NOT_SUPPORTED_SHAPE);
    NAME(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE);
    NAME(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT);
    NAME(CUDNN_STATUS_INTERNAL_ERROR);
    NAME(CUDNN_STATUS_ALLOC_FAILED);
    NAME(CUDNN_STATUS_EXECUTION_FAILED);
    NAME(CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER);
#undef NAME
    default: return "CUDNN_STATUS_UNKNOWN";
  }
}

CUDNN_API void cudnnGetLastErrorString(char* message, size_t max_size) {
  if (message && max_size) std::snprintf(message, max_size, "%s", last_error.c_str());
  last_error.clear();
}

CUDNN_API cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  return enter("cudnnCreate", [&] {
    void* current = nullptr;
    require(cuCtxGetCurrent(&current) == 0 && current, "no context is current", CUDNN_STATUS_NOT_INITIALIZED);
    auto created = std::make_unique<cudnnContext>();
    created->context = current;
    out(handle, "handle") = created.get();
    add(created.release(), Kind::handle);
  });
}

CUDNN_API cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  return enter("cudnnDestroy", [&] {
    remove(handle, Kind::handle);
    delete handle;
  });
}

CUDNN_API cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  return enter("cudnnSetStream", [&] {
    cudnnContext& h = handle_of(handle);
    void* owner = nullptr;
    require(cuStreamGetCtx(stream, &owner) == 0 && owner == h.context, "the stream is none of the handle's context",
            CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH);
    h.stream = stream;
  });
}

CUDNN_API cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  return enter("cudnnGetStream", [&] { out(stream, "streamId") = handle_of(handle).stream; });
}
