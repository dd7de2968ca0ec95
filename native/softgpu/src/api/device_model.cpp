#include "api/device_model.h"

#include "api/state.h"

namespace softgpu {

/* Figures of the CUDA programming guide's table of compute capabilities; the multiprocessors are
   those of Titan X, Xp, V and RTX, A100, RTX 3090 and H100. */
const DeviceModel& device_model(int capability) {
  static constexpr DeviceModel kModels[] = {
      {50, 24, 2048, 32, 98304, 49152},   {60, 56, 2048, 32, 65536, 49152},
      {61, 30, 2048, 32, 98304, 49152},   {70, 80, 2048, 32, 98304, 98304},
      {75, 72, 1024, 16, 65536, 65536},   {80, 108, 2048, 32, 167936, 166912},
      {86, 82, 1536, 16, 102400, 101376}, {90, 132, 2048, 32, 233472, 232448},
  };
  const DeviceModel* best = &kModels[0];
  for (const DeviceModel& m : kModels)
    if (m.capability <= capability) best = &m;
  return *best;
}

int device_attribute(int capability, int index, int attribute) {
  const DeviceModel& m = device_model(capability);
  switch (attribute) {
    case 1: return 1024;   /* MAX_THREADS_PER_BLOCK */
    case 2: return 1024;   /* MAX_BLOCK_DIM_X */
    case 3: return 1024;   /* MAX_BLOCK_DIM_Y */
    case 4: return 64;     /* MAX_BLOCK_DIM_Z */
    case 5: return 2147483647; /* MAX_GRID_DIM_X */
    case 6: return 65535;  /* MAX_GRID_DIM_Y */
    case 7: return 65535;  /* MAX_GRID_DIM_Z */
    case 8: return 49152;  /* MAX_SHARED_MEMORY_PER_BLOCK */
    case 9: return 65536;  /* TOTAL_CONSTANT_MEMORY */
    case 10: return 32;    /* WARP_SIZE */
    case 11: return 2147483647; /* MAX_PITCH */
    case 12: return 65536; /* MAX_REGISTERS_PER_BLOCK */
    case 13: return 1000000; /* CLOCK_RATE, kHz */
    case 14: return 512;   /* TEXTURE_ALIGNMENT */
    case 15: return 1;     /* GPU_OVERLAP */
    case 16: return m.multiprocessors;
    case 17: return 0;     /* KERNEL_EXEC_TIMEOUT */
    case 18: return 0;     /* INTEGRATED */
    case 19: return 0;     /* CAN_MAP_HOST_MEMORY: kernels cannot reach host memory */
    case 20: return 0;     /* COMPUTE_MODE: default */
    case 31: return 0;     /* CONCURRENT_KERNELS */
    case 32: return 0;     /* ECC_ENABLED */
    case 33: return index + 1; /* PCI_BUS_ID */
    case 34: case 50: return 0; /* PCI_DEVICE_ID, PCI_DOMAIN_ID */
    case 35: return 0;     /* TCC_DRIVER */
    case 36: return 1000000; /* MEMORY_CLOCK_RATE, kHz */
    case 37: return 256;   /* GLOBAL_MEMORY_BUS_WIDTH */
    case 38: return 4 << 20; /* L2_CACHE_SIZE */
    case 39: return m.threads_per_multiprocessor;
    case 40: return 0;     /* ASYNC_ENGINE_COUNT */
    case 41: return 1;     /* UNIFIED_ADDRESSING */
    case 75: return capability / 10;
    case 76: return capability % 10;
    case 78: return 1;     /* STREAM_PRIORITIES_SUPPORTED */
    case 81: return m.shared_per_multiprocessor;
    case 82: return 65536; /* MAX_REGISTERS_PER_MULTIPROCESSOR */
    case 83: return 0;     /* MANAGED_MEMORY */
    case 87: return capability == 60 || capability == 70 || capability == 80 || capability == 90 ? 2 : 32;
    case 95: return 0;     /* COOPERATIVE_LAUNCH: blocks run one after the other */
    case 97: return m.shared_optin;
    case 99: return 1;     /* HOST_REGISTER_SUPPORTED */
    case 106: return m.blocks_per_multiprocessor;
    case 111: return capability >= 80 ? 1024 : 0; /* RESERVED_SHARED_MEMORY_PER_BLOCK */
    case 115: return 1;    /* MEMORY_POOLS_SUPPORTED */
    case 120: return 0;    /* CLUSTER_LAUNCH */
    default:
      require(attribute > 0 && attribute < 148);
      return 0;
  }
}

}  // namespace softgpu
