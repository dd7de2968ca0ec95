/* cuLaunchKernel. */
#include <cstring>

#include "api/device_model.h"
#include "api/graph.h"
#include "api/state.h"

using namespace softgpu;

namespace softgpu {
namespace {

CUresult code_of(FaultCode code) {
  switch (code) {
    case FaultCode::illegal_address: return CUDA_ERROR_ILLEGAL_ADDRESS;
    case FaultCode::misaligned_address: return CUDA_ERROR_MISALIGNED_ADDRESS;
    case FaultCode::illegal_instruction: return CUDA_ERROR_ILLEGAL_INSTRUCTION;
    case FaultCode::timeout: return CUDA_ERROR_LAUNCH_TIMEOUT;
    default: return CUDA_ERROR_LAUNCH_FAILED;
  }
}

/* The parameter block, from an array of pointers or from one buffer. */
std::vector<uint8_t> parameters(const Function& f, void** params, void** extra) {
  std::vector<uint8_t> block(f.param_bytes);
  if (params) {
    require(!extra);
    for (size_t n = 0; n < f.kernel_params.size(); ++n) {
      require(params[n]);
      std::memcpy(&block[f.kernel_params[n].offset], params[n], f.kernel_params[n].bytes);
    }
    return block;
  }
  const void* buffer = nullptr;
  size_t size = 0;
  for (size_t n = 0; extra && reinterpret_cast<uintptr_t>(extra[n]) != CU_LAUNCH_PARAM_END; n += 2) {
    const auto tag = reinterpret_cast<uintptr_t>(extra[n]);
    if (tag == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = extra[n + 1];
    else if (tag == CU_LAUNCH_PARAM_BUFFER_SIZE) size = *static_cast<const size_t*>(extra[n + 1]);
    else refuse(CUDA_ERROR_INVALID_VALUE);
  }
  require(f.param_bytes == 0 || (buffer && size >= f.param_bytes));
  if (f.param_bytes) std::memcpy(block.data(), buffer, f.param_bytes);
  return block;
}

void run(Context& context, const Kernel& kernel, Launch launch) {
  Driver& driver = Driver::get();
  require(!context.device->lost, CUDA_ERROR_DEVICE_UNAVAILABLE);
  require(context.error == CUDA_SUCCESS, context.error);
  if (driver.fails(Failure::lost, *context.device)) {
    context.device->lost = true;
    refuse(CUDA_ERROR_DEVICE_UNAVAILABLE);
  }
  if (driver.fails(Failure::launch, *context.device)) {
    fail_context(context, CUDA_ERROR_LAUNCH_FAILED);
    refuse(CUDA_ERROR_LAUNCH_FAILED);
  }
  launch.id = ++driver.launches;
  launch.turn = driver.turn;
  Counts& counts = driver.counts[kernel.function->name];
  try {
    run_launch(launch, counts);
  } catch (const Fault& fault) {
    report(fault.text);
    fail_context(context, code_of(fault.code));
    refuse(context.error);
  }
}

}  // namespace
}  // namespace softgpu

SOFTGPU_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                                    unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                                    CUstream stream, void** params, void** extra) {
  return enter([&] {
    Kernel& kernel = kernel_of(function);
    Stream& s = stream_of(stream);
    const Function& f = *kernel.function;
    Context& context = *kernel.module->context;
    require(s.context == &context, CUDA_ERROR_INVALID_HANDLE);
    const DeviceModel& model = device_model(context.device->capability);
    require(grid_x && grid_y && grid_z && block_x && block_y && block_z);
    require(grid_x <= 2147483647u && grid_y <= 65535 && grid_z <= 65535);
    require(block_x <= 1024 && block_y <= 1024 && block_z <= 64);
    const uint64_t threads = uint64_t{block_x} * block_y * block_z;
    require(threads <= f.max_threads);
    if (f.required[0])
      require(block_x == f.required[0] && block_y == f.required[1] && block_z == f.required[2]);
    require(shared <= kernel.dynamic_limit);
    const uint64_t most = kernel.dynamic_limit > 48 * 1024 ? static_cast<uint64_t>(model.shared_optin) : 48 * 1024;
    require(f.shared_nominal + shared <= most);
    Launch launch;
    launch.program = kernel.module->program.get();
    launch.kernel = &f;
    launch.memory = context.device->memory.get();
    launch.grid = {grid_x, grid_y, grid_z};
    launch.block = {block_x, block_y, block_z};
    launch.dynamic_shared = shared;
    launch.params = parameters(f, params, extra);
    const Driver& driver = Driver::get();
    launch.random = driver.random;
    launch.seed = driver.seed;
    launch.threads = driver.threads;
    launch.instruction_limit = driver.instruction_limit;
    submit(s, kNodeKernel, [&context, &kernel, launch] { run(context, kernel, launch); });
  });
}
