/*
 * The table of kernels that exist once per tier. A family lists its kernels in one macro; from it
 * derive the table, the declarations inside each tier's namespace and the table's contents. A
 * kernel trusts its arguments: the C ABI function of the same name checks them.
 */
#ifndef WISP_KERNELS_H
#define WISP_KERNELS_H

#include <cstdint>

#include "kernels/crf.h"
#include "kernels/group_norm.h"
#include "kernels/irn.h"
#include "kernels/maps.h"
#include "kernels/norms.h"
#include "kernels/optimizer.h"
#include "kernels/pamr.h"
#include "kernels/pillow.h"
#include "kernels/pointwise.h"
#include "kernels/pooling.h"
#include "kernels/prototypes.h"
#include "kernels/resize.h"
#include "kernels/segmentation.h"
#include "kernels/structure.h"
#include "kernels/weights.h"

#define WISP_ALL_KERNELS(X)    \
  WISP_CRF_KERNELS(X)          \
  WISP_GROUP_NORM_KERNELS(X)   \
  WISP_IRN_KERNELS(X)          \
  WISP_MAP_KERNELS(X)          \
  WISP_NORM_KERNELS(X)         \
  WISP_OPTIMIZER_KERNELS(X)    \
  WISP_PAMR_KERNELS(X)         \
  WISP_PILLOW_KERNELS(X)       \
  WISP_POINTWISE_KERNELS(X)    \
  WISP_POOLING_KERNELS(X)      \
  WISP_PROTOTYPE_KERNELS(X)    \
  WISP_RESIZE_KERNELS(X)       \
  WISP_SEGMENTATION_KERNELS(X) \
  WISP_STRUCTURE_KERNELS(X)    \
  WISP_WEIGHT_KERNELS(X)

namespace wisp {

struct Kernels {
#define WISP_MEMBER(name, parameters) void(*name) parameters;
  WISP_ALL_KERNELS(WISP_MEMBER)
#undef WISP_MEMBER
};

#define WISP_DECLARE(name, parameters) void name parameters;
namespace portable {
WISP_ALL_KERNELS(WISP_DECLARE)
extern const Kernels table;
}
namespace avx2 {
WISP_ALL_KERNELS(WISP_DECLARE)
extern const Kernels table;
}
namespace avx512 {
WISP_ALL_KERNELS(WISP_DECLARE)
extern const Kernels table;
}
#undef WISP_DECLARE

}  // namespace wisp

#endif
