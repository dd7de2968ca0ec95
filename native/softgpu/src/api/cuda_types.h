/*
 * The types and numbers of the CUDA driver API that this library implements, written out here: no
 * CUDA header is needed to build it.
 */
#ifndef SOFTGPU_API_CUDA_TYPES_H
#define SOFTGPU_API_CUDA_TYPES_H

#include <cstddef>
#include <cstdint>

namespace softgpu {
struct Context;
struct Module;
struct Kernel;
struct Stream;
struct Event;
struct Pool;
struct Graph;
struct GraphExec;
}  // namespace softgpu

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = softgpu::Context*;
using CUmodule = softgpu::Module*;
using CUfunction = softgpu::Kernel*;
using CUstream = softgpu::Stream*;
using CUevent = softgpu::Event*;
using CUmemoryPool = softgpu::Pool*;
using CUgraph = softgpu::Graph*;
using CUgraphExec = softgpu::GraphExec*;
using CUgraphNode = void*;

constexpr CUresult CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_OUT_OF_MEMORY = 2,
                   CUDA_ERROR_NOT_INITIALIZED = 3, CUDA_ERROR_DEVICE_UNAVAILABLE = 46,
                   CUDA_ERROR_NO_DEVICE = 100, CUDA_ERROR_INVALID_DEVICE = 101,
                   CUDA_ERROR_INVALID_IMAGE = 200, CUDA_ERROR_INVALID_CONTEXT = 201,
                   CUDA_ERROR_NO_BINARY_FOR_GPU = 209, CUDA_ERROR_INVALID_PTX = 218,
                   CUDA_ERROR_FILE_NOT_FOUND = 301, CUDA_ERROR_INVALID_HANDLE = 400,
                   CUDA_ERROR_ILLEGAL_STATE = 401, CUDA_ERROR_NOT_FOUND = 500, CUDA_ERROR_NOT_READY = 600,
                   CUDA_ERROR_ILLEGAL_ADDRESS = 700, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
                   CUDA_ERROR_LAUNCH_TIMEOUT = 702, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704,
                   CUDA_ERROR_PEER_ACCESS_NOT_ENABLED = 705,
                   CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE = 708, CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
                   CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712,
                   CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
                   CUDA_ERROR_ILLEGAL_INSTRUCTION = 715, CUDA_ERROR_MISALIGNED_ADDRESS = 716,
                   CUDA_ERROR_LAUNCH_FAILED = 719, CUDA_ERROR_NOT_SUPPORTED = 801,
                   CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
                   CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
                   CUDA_ERROR_STREAM_CAPTURE_UNMATCHED = 903,
                   CUDA_ERROR_STREAM_CAPTURE_UNJOINED = 904,
                   CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905,
                   CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906, CUDA_ERROR_CAPTURED_EVENT = 907,
                   CUDA_ERROR_UNKNOWN = 999;

struct CUuuid {
  char bytes[16];
};

/* cuLaunchKernel's extra: pairs of a tag and a pointer. */
constexpr uintptr_t CU_LAUNCH_PARAM_END = 0, CU_LAUNCH_PARAM_BUFFER_POINTER = 1,
                    CU_LAUNCH_PARAM_BUFFER_SIZE = 2;

constexpr int CU_JIT_INFO_LOG_BUFFER = 3, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES = 4,
              CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;

struct CUmemLocation {
  int type;
  int id;
};
constexpr int CU_MEM_LOCATION_TYPE_DEVICE = 1;

struct CUmemPoolProps {
  int allocType;
  int handleTypes;
  CUmemLocation location;
  void* win32SecurityAttributes;
  size_t maxSize;
  unsigned short usage;
  unsigned char reserved[54];
};

struct CUmemAccessDesc {
  CUmemLocation location;
  int flags;
};

#define SOFTGPU_API extern "C" __attribute__((visibility("default")))

#endif
