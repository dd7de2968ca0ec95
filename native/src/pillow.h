/* Bicubic resizing with the kernels of a given tier; see wisp_pillow_bicubic. */
#ifndef WISP_PILLOW_H
#define WISP_PILLOW_H

#include "kernels.h"

namespace wisp {

/* Trusts its arguments; throws std::bad_alloc. */
void pillow_bicubic(const Kernels& tier, const uint8_t* source, int64_t h, int64_t w, int64_t c,
                    uint8_t* out, int64_t out_h, int64_t out_w);

}  // namespace wisp

#endif
