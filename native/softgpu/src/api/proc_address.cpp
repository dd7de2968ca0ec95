/* cuGetProcAddress: by name, with the suffix of the newest version that this library has. */
#include <dlfcn.h>

#include <string>

#include "api/cuda_types.h"

namespace {

void* find(const std::string& name) {
  static void* self = [] {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void*>(&find), &info)) return static_cast<void*>(nullptr);
    return dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  }();
  return self ? dlsym(self, name.c_str()) : nullptr;
}

}  // namespace

SOFTGPU_API CUresult cuGetProcAddress_v2(const char* symbol, void** function, int, unsigned long long, int* status) {
  if (!symbol || !function) return CUDA_ERROR_INVALID_VALUE;
  *function = nullptr;
  for (const char* suffix : {"_v3", "_v2", ""})
    if (!*function) *function = find(std::string(symbol) + suffix);
  if (status) *status = *function ? 0 : 1;
  return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

SOFTGPU_API CUresult cuGetProcAddress(const char* symbol, void** function, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, nullptr);
}

/* Tables of functions that only NVIDIA's own libraries know. NVRTC asks for one, and takes a refusal. */
SOFTGPU_API CUresult cuGetExportTable(const void** table, const CUuuid*) {
  if (!table) return CUDA_ERROR_INVALID_VALUE;
  *table = nullptr;
  return CUDA_ERROR_NOT_FOUND;
}
