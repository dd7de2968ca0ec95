#ifndef SOFTGPU_EXEC_CONVERT_H
#define SOFTGPU_EXEC_CONVERT_H

#include "program/decode.h"

namespace softgpu {

/* cvt from or to f16, bf16 and tf32. */
bool convert_half(Decode& d);

}  // namespace softgpu

#endif
