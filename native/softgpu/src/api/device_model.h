/* What each compute capability offers, as far as launches and occupancy depend on it. */
#ifndef SOFTGPU_API_DEVICE_MODEL_H
#define SOFTGPU_API_DEVICE_MODEL_H

#include <cstdint>

namespace softgpu {

struct DeviceModel {
  int capability; /* and all later ones up to the next entry */
  int multiprocessors;
  int threads_per_multiprocessor, blocks_per_multiprocessor;
  int shared_per_multiprocessor, shared_optin; /* bytes; the largest block with the opt-in */
};

const DeviceModel& device_model(int capability);

/* Throws Status for an unknown attribute. */
int device_attribute(int capability, int index, int attribute);

}  // namespace softgpu

#endif
