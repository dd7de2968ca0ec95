/* Checks of the (image, class) rows that kernels on class maps take; see ClassRows in wisp.h. */
#ifndef WISP_ROWS_H
#define WISP_ROWS_H

#include "abi.h"

namespace wisp {

/* offsets: n + 1 row numbers that begin with 0 and do not descend. */
inline void check_offsets(int64_t n, const int32_t* offsets) {
  require(n >= 0 && offsets != nullptr && offsets[0] == 0, "offsets must begin with 0");
  for (int64_t b = 0; b < n; ++b) {
    require(offsets[b] <= offsets[b + 1], "offsets must not descend");
  }
}

/* ids: the class of each row, ascending within an image and in 0..total - 1. */
inline void check_rows(int64_t n, const int32_t* offsets, const int32_t* ids, int32_t total) {
  check_offsets(n, offsets);
  require(ids != nullptr && total >= 0, "needs ids and a number of classes");
  for (int64_t b = 0; b < n; ++b)
    for (int64_t row = offsets[b]; row < offsets[b + 1]; ++row) {
      require(ids[row] >= 0 && ids[row] < total && (row == offsets[b] || ids[row - 1] < ids[row]),
              "class ids must ascend within an image and lie below the number of classes");
    }
}

}  // namespace wisp

#endif
