/* Which instruction set runs: chosen once, from processor, operating system and WISP_ISA. */
#ifndef WISP_ISA_H
#define WISP_ISA_H

#include "kernels.h"

namespace wisp {

enum class Tier { portable = 0, avx2 = 1, avx512 = 2 };

/* The widest tier that processor and operating system support. */
Tier widest_tier();

/* The tier in use: the widest, capped by WISP_ISA. Throws BadArgument for an unknown WISP_ISA. */
Tier active_tier();

const char* tier_name(Tier tier);

const Kernels& kernels(Tier tier);

/* The kernels of the active tier. */
const Kernels& kernels();

}  // namespace wisp

#endif
