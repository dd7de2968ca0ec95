/* Copies and fills between host and device memory, with the checks that a driver makes. */
#ifndef SOFTGPU_API_COPY_H
#define SOFTGPU_API_COPY_H

#include "api/state.h"

namespace softgpu {

enum class Side { host, device, either };

/* Copies bytes; refuses ranges that no live allocation holds. Device to host, bytes that were never
   written arrive as 0xA5; device to device they stay unwritten. */
void copy_bytes(uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes);
void check_copy(uint64_t to, Side to_side, uint64_t from, Side from_side, size_t bytes);

/* Fills `count` elements of 1, 2 or 4 bytes. */
void fill(uint64_t address, uint32_t value, unsigned width, size_t count);
void check_fill(uint64_t address, unsigned width, size_t count);

/* The device whose range holds an address, or null. */
Device* owner_of(uint64_t address);

}  // namespace softgpu

#endif
