#include "abi.h"
#include "rows.h"

using namespace wisp;

extern "C" {

int32_t wisp_cam_to_maps(const float* cam, const float* valid, const int32_t* offsets,
                         const int32_t* ids, float eps, float* maps, int32_t* peak, int32_t* winner,
                         int64_t n, int64_t positions, int64_t k, int64_t rows) {
  return guarded("wisp_cam_to_maps", [&] {
    require_pointers(cam, offsets, ids, maps, peak, winner);
    product({n, positions, k});
    require(k > 0 && positions > 0 && positions <= INT32_MAX, "sizes are out of range");
    require(k < INT32_MAX, "too many classes");
    check_rows(n, offsets, ids, static_cast<int32_t>(k) + 1);
    require(offsets[n] == rows, "offsets must end with the number of rows");
    kernels().cam_to_maps(cam, valid, offsets, ids, eps, maps, peak, winner, n, positions, k);
  });
}

int32_t wisp_cam_to_maps_backward(const float* cam, const float* valid, const int32_t* offsets,
                                  const int32_t* ids, float eps, const int32_t* peak,
                                  const int32_t* winner, const float* d_maps, float* d_cam,
                                  int64_t n, int64_t positions, int64_t k, int64_t rows) {
  return guarded("wisp_cam_to_maps_backward", [&] {
    require_pointers(cam, offsets, ids, peak, winner, d_maps, d_cam);
    product({n, positions, k});
    require(k > 0 && positions > 0 && positions <= INT32_MAX, "sizes are out of range");
    require(k < INT32_MAX, "too many classes");
    check_rows(n, offsets, ids, static_cast<int32_t>(k) + 1);
    require(offsets[n] == rows, "offsets must end with the number of rows");
    kernels().cam_to_maps_backward(cam, valid, offsets, ids, eps, peak, winner, d_maps, d_cam, n,
                                   positions, k);
  });
}

int32_t wisp_normalize_maps(const float* maps, int32_t min_max, float eps, float* out,
                            int32_t* peak, int64_t rows, int64_t positions) {
  return guarded("wisp_normalize_maps", [&] {
    require_pointers(maps, out, peak);
    product({rows, positions});
    require(positions > 0 && positions <= INT32_MAX, "sizes are out of range");
    kernels().normalize_maps(maps, min_max, eps, out, peak, rows, positions);
  });
}

int32_t wisp_normalize_maps_backward(const float* maps, int32_t min_max, float eps,
                                     const int32_t* peak, const float* d_out, float* d_maps,
                                     int64_t rows, int64_t positions) {
  return guarded("wisp_normalize_maps_backward", [&] {
    require_pointers(maps, peak, d_out, d_maps);
    product({rows, positions});
    require(positions > 0 && positions <= INT32_MAX, "sizes are out of range");
    kernels().normalize_maps_backward(maps, min_max, eps, peak, d_out, d_maps, rows, positions);
  });
}

int32_t wisp_argmax_maps(const float* maps, const int32_t* offsets, const int32_t* ids,
                         float background_factor, int32_t* seeds, int64_t n, int64_t positions,
                         int64_t rows) {
  return guarded("wisp_argmax_maps", [&] {
    require_pointers(maps, offsets, ids, seeds);
    product({n, positions});
    check_rows(n, offsets, ids, INT32_MAX);
    require(offsets[n] == rows, "offsets must end with the number of rows");
    for (int64_t i = 0; i < n; ++i) require(offsets[i] < offsets[i + 1], "an image has no row");
    kernels().argmax_maps(maps, offsets, ids, background_factor, seeds, n, positions);
  });
}

int32_t wisp_limit_seeds(const float* support, const int32_t* offsets, const int32_t* ids,
                         float share, int32_t* seeds, int64_t n, int64_t positions, int64_t rows) {
  return guarded("wisp_limit_seeds", [&] {
    require_pointers(support, offsets, ids, seeds);
    product({n, positions});
    check_rows(n, offsets, ids, INT32_MAX);
    require(offsets[n] == rows, "offsets must end with the number of rows");
    kernels().limit_seeds(support, offsets, ids, share, seeds, n, positions);
  });
}
}
