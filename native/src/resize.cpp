#include "abi.h"

using namespace wisp;

namespace {

void require_resize(int64_t n, int64_t in_h, int64_t in_w, int64_t c, int64_t out_h, int64_t out_w,
                    int64_t out_c, int64_t offset) {
  product({n, in_h, in_w, c});
  product({n, out_h, out_w, out_c});
  require(in_h > 0 && in_w > 0 && out_h > 0 && out_w > 0 && c > 0, "a size is 0");
  require(offset >= 0 && offset <= out_c - c, "the channels do not lie inside the target's");
}

}  // namespace

extern "C" {

int32_t wisp_resize_bilinear(const float* source, float* target, int64_t n, int64_t in_h,
                             int64_t in_w, int64_t c, int64_t out_h, int64_t out_w, int64_t out_c,
                             int64_t offset, int32_t align_corners) {
  return guarded("wisp_resize_bilinear", [&] {
    require_pointers(source, target);
    require_resize(n, in_h, in_w, c, out_h, out_w, out_c, offset);
    kernels().resize_bilinear(source, target, n, in_h, in_w, c, out_h, out_w, out_c, offset,
                              align_corners);
  });
}

int32_t wisp_resize_bilinear_backward(const float* d_target, float* d_source, int64_t n,
                                      int64_t in_h, int64_t in_w, int64_t c, int64_t out_h,
                                      int64_t out_w, int64_t out_c, int64_t offset,
                                      int32_t align_corners) {
  return guarded("wisp_resize_bilinear_backward", [&] {
    require_pointers(d_target, d_source);
    require_resize(n, in_h, in_w, c, out_h, out_w, out_c, offset);
    kernels().resize_bilinear_backward(d_target, d_source, n, in_h, in_w, c, out_h, out_w, out_c,
                                       offset, align_corners);
  });
}
}
