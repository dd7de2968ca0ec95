/* Directed rounding, flushing of subnormals and saturation around an operation. */
#ifndef SOFTGPU_EXEC_MODE_H
#define SOFTGPU_EXEC_MODE_H

#include "program/decode.h"

namespace softgpu {

/* Takes .rn .rz .rm .rp .ftz .sat from the modifiers; if any asks for more than plain rounding to
   nearest, wraps d.out.fn. Call it after fn and d are set. */
void wrap_mode(Decode& d, ptx::Type type);

}  // namespace softgpu

#endif
