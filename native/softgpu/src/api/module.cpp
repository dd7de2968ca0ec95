/* Modules, functions and their attributes. */
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "api/device_model.h"
#include "api/state.h"
#include "program/build.h"

using namespace softgpu;

namespace softgpu {
namespace {

/* Where the caller wants the compiler's words. */
struct JitLog {
  char* text[2] = {nullptr, nullptr}; /* information, errors */
  size_t size[2] = {0, 0};
  void** size_out[2] = {nullptr, nullptr};

  JitLog(unsigned count, const int* options, void** values) {
    for (unsigned n = 0; n < count; ++n) {
      const size_t number = reinterpret_cast<size_t>(values[n]);
      switch (options[n]) {
        case CU_JIT_INFO_LOG_BUFFER: text[0] = static_cast<char*>(values[n]); break;
        case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES: size[0] = number & 0xffffffffu, size_out[0] = &values[n]; break;
        case CU_JIT_ERROR_LOG_BUFFER: text[1] = static_cast<char*>(values[n]); break;
        case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES: size[1] = number & 0xffffffffu, size_out[1] = &values[n]; break;
        default: break;
      }
    }
  }

  void put(int which, const std::string& words) {
    const size_t room = size[which] && text[which] ? size[which] - 1 : 0;
    const size_t length = std::min(room, words.size());
    if (text[which] && size[which]) {
      std::memcpy(text[which], words.data(), length);
      text[which][length] = '\0';
    }
    if (size_out[which]) *size_out[which] = reinterpret_cast<void*>(length);
  }
};

[[noreturn]] void refuse_image(JitLog& log, CUresult code, const std::string& why) {
  log.put(1, why);
  report("module refused: " + why);
  refuse(code);
}

/* PTX text, its end found. Other images are refused. */
std::string_view ptx_of(const void* image, JitLog& log) {
  const auto* bytes = static_cast<const unsigned char*>(image);
  const bool elf = bytes[0] == 0x7f && bytes[1] == 'E' && bytes[2] == 'L' && bytes[3] == 'F';
  const bool fat = bytes[0] == 0x50 && bytes[1] == 0xed && bytes[2] == 0x55 && bytes[3] == 0xba;
  if (elf || fat)
    refuse_image(log, CUDA_ERROR_NO_BINARY_FOR_GPU,
                 std::string("the software CUDA device executes PTX; this image is a ") +
                     (elf ? "CUBIN" : "fat binary"));
  return static_cast<const char*>(image);
}

Module* load(const void* image, JitLog log) {
  require(image);
  Context& context = current();
  const std::string_view text = ptx_of(image, log);
  auto module = std::make_unique<Module>();
  module->context = &context;
  try {
    const ptx::Module parsed = ptx::parse(text);
    const int capability = context.device->capability;
    if (parsed.target > capability)
      throw ptx::PtxError(0, "the PTX is for " + parsed.target_name + ", the device is sm_" +
                                 std::to_string(capability));
    module->program = build(parsed, *context.device->memory, module->variables);
  } catch (const ptx::PtxError& e) {
    const std::string where = e.line ? "PTX line " + std::to_string(e.line) + ": " : "";
    refuse_image(log, e.unsupported ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_PTX, where + e.what());
  }
  for (const auto& [name, function] : module->program->functions) {
    if (!function->entry) continue;
    auto kernel = std::make_unique<Kernel>();
    kernel->module = module.get();
    kernel->function = function.get();
    add_handle(*kernel);
    module->kernels[name] = std::move(kernel);
  }
  log.put(0, "");
  log.put(1, "");
  add_handle(*module);
  context.modules.insert(module.get());
  return module.release();
}

int attribute_of(const Kernel& kernel, int attribute) {
  const Function& f = *kernel.function;
  switch (attribute) {
    case 0: return static_cast<int>(f.max_threads);
    case 1: return static_cast<int>(f.shared_nominal);
    case 2: { /* CONST_SIZE_BYTES */
      uint64_t bytes = 0;
      for (const auto& [name, v] : kernel.module->program->variables) bytes += v.constant ? v.bytes : 0;
      return static_cast<int>(bytes);
    }
    case 3: return static_cast<int>(f.local_bytes);
    case 4: return static_cast<int>(f.registers);
    case 5: return kernel.module->program->version;
    case 6: return kernel.module->context->device->capability;
    case 7: return 0;
    case 8: return static_cast<int>(kernel.dynamic_limit);
    case 9: return kernel.carveout;
    default: refuse(CUDA_ERROR_INVALID_VALUE);
  }
}

/* Blocks that fit by threads and shared memory; registers are an estimate (program.h). */
int blocks_per_multiprocessor(const Kernel& kernel, int threads, size_t dynamic) {
  const DeviceModel& m = device_model(kernel.module->context->device->capability);
  require(threads > 0 && threads <= static_cast<int>(kernel.function->max_threads));
  const int warps = (threads + 31) / 32;
  int blocks = std::min(m.blocks_per_multiprocessor, m.threads_per_multiprocessor / (warps * 32));
  const size_t shared = kernel.function->shared_nominal + dynamic;
  if (shared) blocks = std::min(blocks, static_cast<int>(static_cast<size_t>(m.shared_per_multiprocessor) / shared));
  const int registers = static_cast<int>((kernel.function->registers + 7) / 8 * 8) * 32 * warps;
  if (registers) blocks = std::min(blocks, 65536 / registers);
  return blocks;
}

}  // namespace
}  // namespace softgpu

SOFTGPU_API CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, int* options,
                                        void** values) {
  return enter([&] {
    require(module && (count == 0 || (options && values)));
    *module = load(image, JitLog(count, options, values));
  });
}

SOFTGPU_API CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

SOFTGPU_API CUresult cuModuleLoad(CUmodule* module, const char* path) {
  return enter([&] {
    require(module && path);
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "rb"), &std::fclose);
    require(file != nullptr, CUDA_ERROR_FILE_NOT_FOUND);
    std::string text;
    char part[4096];
    for (size_t n; (n = std::fread(part, 1, sizeof part, file.get())) > 0;) text.append(part, n);
    text.append(4, '\0');
    *module = load(text.data(), JitLog(0, nullptr, nullptr));
  });
}

SOFTGPU_API CUresult cuModuleUnload(CUmodule module) {
  return enter([&] {
    Module& m = module_of(module);
    m.context->modules.erase(&m);
    remove_handle(m);
    delete &m;
  });
}

SOFTGPU_API CUresult cuModuleGetLoadingMode(int* mode) {
  return enter([&] {
    require(mode);
    *mode = 1; /* eager */
  });
}

SOFTGPU_API CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return enter([&] {
    require(function && name);
    current();
    const Module& m = module_of(module);
    const auto found = m.kernels.find(name);
    require(found != m.kernels.end(), CUDA_ERROR_NOT_FOUND);
    *function = found->second.get();
  });
}

SOFTGPU_API CUresult cuModuleGetFunctionCount(unsigned* count, CUmodule module) {
  return enter([&] {
    require(count);
    *count = static_cast<unsigned>(module_of(module).kernels.size());
  });
}

SOFTGPU_API CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
  return enter([&] {
    require(name);
    current();
    const auto& variables = module_of(module).program->variables;
    const auto found = variables.find(name);
    require(found != variables.end(), CUDA_ERROR_NOT_FOUND);
    if (address) *address = found->second.address;
    if (bytes) *bytes = found->second.bytes;
  });
}

SOFTGPU_API CUresult cuFuncGetModule(CUmodule* module, CUfunction function) {
  return enter([&] {
    require(module);
    *module = kernel_of(function).module;
  });
}

SOFTGPU_API CUresult cuFuncGetName(const char** name, CUfunction function) {
  return enter([&] {
    require(name);
    *name = kernel_of(function).function->name.c_str();
  });
}

SOFTGPU_API CUresult cuFuncGetAttribute(int* value, int attribute, CUfunction function) {
  return enter([&] {
    require(value);
    *value = attribute_of(kernel_of(function), attribute);
  });
}

SOFTGPU_API CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  return enter([&] {
    Kernel& k = kernel_of(function);
    const DeviceModel& m = device_model(k.module->context->device->capability);
    if (attribute == 8) {
      require(value >= 0 && static_cast<uint64_t>(value) + k.function->shared_nominal <=
                                static_cast<uint64_t>(m.shared_optin));
      k.dynamic_limit = static_cast<uint32_t>(value);
    } else {
      require(attribute == 9 && value >= -1 && value <= 100);
      k.carveout = value;
    }
  });
}

SOFTGPU_API CUresult cuFuncSetCacheConfig(CUfunction function, int) { return enter([&] { kernel_of(function); }); }

SOFTGPU_API CUresult cuFuncSetSharedMemConfig(CUfunction function, int) {
  return enter([&] { kernel_of(function); });
}

SOFTGPU_API CUresult cuFuncGetParamInfo(CUfunction function, size_t index, size_t* offset, size_t* bytes) {
  return enter([&] {
    require(offset);
    const auto& params = kernel_of(function).function->kernel_params;
    require(index < params.size());
    *offset = params[index].offset;
    if (bytes) *bytes = params[index].bytes;
  });
}

SOFTGPU_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, CUfunction function, int threads,
                                                                 size_t dynamic) {
  return enter([&] {
    require(blocks);
    *blocks = blocks_per_multiprocessor(kernel_of(function), threads, dynamic);
  });
}

SOFTGPU_API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, CUfunction function,
                                                                          int threads, size_t dynamic, unsigned) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, dynamic);
}
