/* Memory pools: what they count; the memory itself is allocated as by cuMemAlloc. */
#ifndef SOFTGPU_API_POOL_H
#define SOFTGPU_API_POOL_H

#include "api/state.h"

namespace softgpu {

Allocation& allocate(Context& context, size_t bytes);
void free_allocation(uint64_t address);
/* The live allocation that holds an address, or null. */
Allocation* find_allocation(uint64_t address);
/* An allocation of a pool is about to be released. */
void pool_freed(const Allocation& a);

}  // namespace softgpu

#endif
