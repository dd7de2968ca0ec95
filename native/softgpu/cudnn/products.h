/* The sums of products of a convolution, in double: each product of floats is exact, and the sum is
   off by far less than float's last bit. Results do not depend on the number of threads. */
#ifndef SOFTGPU_CUDNN_PRODUCTS_H
#define SOFTGPU_CUDNN_PRODUCTS_H

#include "values.h"

namespace softcudnn {

struct Geometry {
  int n, h, w, c;        /* input */
  int k, r, s;           /* output channels; rows and columns of the filter */
  int p, q;              /* rows and columns of the output */
  int pad_h, pad_w, stride_h, stride_w, dilation_h, dilation_w;
  int groups;            /* divides c and k */
  bool flipped;          /* the filter is turned by 180 degrees: CUDNN_CONVOLUTION */

  int group_c() const { return c / groups; }
  int group_k() const { return k / groups; }
};

/* x [n, h, w, c], filter [k, r, s, c/groups] -> y [n, p, q, k] */
Values products_forward(const Geometry& g, const Values& x, const Values& filter);
/* dy [n, p, q, k], filter -> dx [n, h, w, c] */
Values products_backward_data(const Geometry& g, const Values& dy, const Values& filter);
/* x, dy -> dw [k, r, s, c/groups] */
Values products_backward_filter(const Geometry& g, const Values& x, const Values& dy);

}  // namespace softcudnn

#endif
