/* Initialisation, devices and their attributes. */
#include <cstdio>
#include <cstring>

#include "api/device_model.h"
#include "api/state.h"

using namespace softgpu;

SOFTGPU_API CUresult cuInit(unsigned flags) {
  if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
  Driver& driver = Driver::get();
  const std::lock_guard<std::recursive_mutex> hold(driver.lock);
  if (driver.initialised) return CUDA_SUCCESS;
  try {
    driver.configure();
    return CUDA_SUCCESS;
  } catch (const Status& status) {
    return status.code;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
}

SOFTGPU_API CUresult cuDriverGetVersion(int* version) {
  if (!version) return CUDA_ERROR_INVALID_VALUE;
  *version = 12060;
  return CUDA_SUCCESS;
}

SOFTGPU_API CUresult cuDeviceGetCount(int* count) {
  return enter([&] {
    require(count);
    *count = static_cast<int>(Driver::get().devices.size());
  });
}

SOFTGPU_API CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return enter([&] {
    require(device);
    *device = device_at(ordinal).index;
  });
}

SOFTGPU_API CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  return enter([&] {
    require(name && length > 0);
    const Device& d = device_at(device);
    std::snprintf(name, static_cast<size_t>(length), "Software CUDA device %d (sm_%d)", d.index, d.capability);
  });
}

SOFTGPU_API CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  return enter([&] {
    require(bytes);
    *bytes = device_at(device).memory->capacity();
  });
}

SOFTGPU_API CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) {
  return enter([&] {
    require(uuid);
    std::memcpy(uuid->bytes, "softgpu-device-", 15);
    uuid->bytes[15] = static_cast<char>('0' + device_at(device).index);
  });
}

SOFTGPU_API CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) { return cuDeviceGetUuid(uuid, device); }

SOFTGPU_API CUresult cuDeviceComputeCapability(int* major, int* minor, CUdevice device) {
  return enter([&] {
    require(major && minor);
    *major = device_at(device).capability / 10;
    *minor = device_at(device).capability % 10;
  });
}

SOFTGPU_API CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  return enter([&] {
    require(value);
    *value = device_attribute(device_at(device).capability, device, attribute);
  });
}

SOFTGPU_API CUresult cuDeviceGetPCIBusId(char* id, int length, CUdevice device) {
  return enter([&] {
    require(id && length > 0);
    std::snprintf(id, static_cast<size_t>(length), "0000:%02x:00.0", device_at(device).index + 1);
  });
}

SOFTGPU_API CUresult cuDeviceGetByPCIBusId(CUdevice* device, const char* id) {
  return enter([&] {
    unsigned domain, bus, slot;
    require(device && id && std::sscanf(id, "%x:%x:%x", &domain, &bus, &slot) == 3);
    *device = device_at(static_cast<int>(bus) - 1).index;
  });
}

SOFTGPU_API CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return enter([&] {
    require(can);
    *can = device_at(device).index != device_at(peer).index;
  });
}
