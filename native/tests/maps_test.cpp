#include <cmath>
#include <cstring>

#include "harness.h"

namespace wisp_tests {
namespace {

struct Size {
  int64_t h, w;
};

/* Up, down, mixed, from and to one pixel, larger than a block of rows. */
void resize_pair(Run& run, Size in, Size out, int64_t c, int64_t offset, int64_t more) {
  const int64_t n = 2, out_c = offset + c + more;
  for (int32_t align : {0, 1}) {
    run.kernels.resize_bilinear(run.input(n * in.h * in.w * c),
                                run.updated(n * out.h * out.w * out_c), n, in.h, in.w, c, out.h, out.w, out_c, offset, align);
    run.kernels.resize_bilinear_backward(run.input(n * out.h * out.w * out_c),
                                         run.output(n * in.h * in.w * c), n, in.h, in.w, c, out.h,
                                         out.w, out_c, offset, align);
  }
}

Case resize("resize_bilinear", {1, 3, 15, 16, 17, 40}, [](Run& run, int64_t c) {
  const Size sizes[] = {{1, 1}, {5, 3}, {8, 13}, {1, 31}, {29, 2}};
  for (const Size& in : sizes)
    for (const Size& out : sizes) resize_pair(run, in, out, c, in.h % 3, out.w % 2);
});

Case constants("resize_keeps_constants", {1, 3, 32}, [](Run& run, int64_t c) {
  const Size in{7, 5}, out{31, 64};
  for (int32_t align : {0, 1}) {
    float* source = run.updated(in.h * in.w * c);
    for (int64_t i = 0; i < in.h * in.w * c; ++i) source[i] = 0.4853f;
    float* target = run.output(out.h * out.w * c, 0);
    run.kernels.resize_bilinear(source, target, 1, in.h, in.w, c, out.h, out.w, c, 0, align);
    bool constant = true;
    for (int64_t i = 0; i < out.h * out.w * c; ++i) constant = constant && target[i] == 0.4853f;
    expect(constant, "a constant area is not reproduced exactly");
  }
});

Case cam_to_maps("cam_to_maps", {1, 2, 16, 17, 1025, 5000}, [](Run& run, int64_t positions) {
  const int64_t n = 3, k = 5, rows = 6;
  const int32_t* offsets = run.ints({0, 3, 4, 6});
  const int32_t* ids = run.ints({0, 2, 5, 0, 0, 1});
  const float *cam = run.input(n * positions * k), *valid = run.input(n * positions, 0, 1);
  int32_t *peak = run.output_ints(n * k), *winner = run.output_ints(n * positions);
  for (const float* mask : {valid, static_cast<const float*>(nullptr)}) {
    run.kernels.cam_to_maps(cam, mask, offsets, ids, 1e-5f, run.output(rows * positions), peak,
                            winner, n, positions, k);
    run.kernels.cam_to_maps_backward(cam, mask, offsets, ids, 1e-5f, peak, winner,
                                     run.input(rows * positions), run.output(n * positions * k),
                                     n, positions, k);
  }
  /* Indices that lie outside must be ignored, not followed. */
  run.kernels.cam_to_maps_backward(cam, valid, offsets, ids, 1e-5f,
                                   run.ints(n * k, -1000000, 1000000),
                                   run.ints(n * positions, -9, 9), run.input(rows * positions),
                                   run.output(n * positions * k), n, positions, k);
});

Case normalize("normalize_maps", {1, 2, 16, 17, 1025}, [](Run& run, int64_t positions) {
  const int64_t rows = 4;
  const float* maps = run.input(rows * positions);
  for (int32_t min_max : {0, 1}) {
    int32_t* peak = run.output_ints(2 * rows);
    run.kernels.normalize_maps(maps, min_max, 0.1f, run.output(rows * positions, 1e-3), peak, rows,
                               positions);
    run.kernels.normalize_maps_backward(maps, min_max, 0.1f, peak, run.input(rows * positions),
                                        run.output(rows * positions, 1e-2), rows, positions);
    run.kernels.normalize_maps_backward(maps, min_max, 0.1f, run.ints(2 * rows, -1000, 100000),
                                        run.input(rows * positions),
                                        run.output(rows * positions, 1e-2), rows, positions);
  }
});

Case argmax("argmax_maps", {0, 1, 17, 1023, 1024, 1025, 5000}, [](Run& run, int64_t positions) {
  run.kernels.argmax_maps(run.input(6 * positions), run.ints({0, 3, 4, 6}),
                          run.ints({0, 2, 5, 0, 0, 1}), 0.8f, run.output_ints(3 * positions), 3,
                          positions);
});

Case limit("limit_seeds", {0, 1, 17, 1023, 1024, 1025, 5000}, [](Run& run, int64_t positions) {
  const int32_t *offsets = run.ints({0, 3, 4, 6}), *ids = run.ints({0, 2, 5, 0, 0, 1});
  const float* support = run.input(6 * positions);
  const int32_t* given = run.ints(3 * positions, -2, 6);
  int32_t* seeds = run.output_ints(3 * positions);
  if (positions > 0) std::memcpy(seeds, given, 3 * positions * sizeof(int32_t));
  run.kernels.limit_seeds(support, offsets, ids, 0.3f, seeds, 3, positions);
  for (int64_t i = 0; i < 3 * positions; ++i) {
    int32_t want = given[i];
    for (int64_t row = offsets[i / positions]; row < offsets[i / positions + 1]; ++row)
      if (given[i] > 0 && ids[row] == given[i] && !(support[row * positions + i % positions] >= 0.3f))
        want = -1;
    expect(seeds[i] == want, "a seed that is not what its class's support says");
  }
});

Case not_numbers("maps_of_nan_and_infinity", {1, 17, 300}, [](Run& run, int64_t positions) {
  const int64_t k = 3;
  float* cam = run.input(positions * k);
  for (int64_t i = 0; i < positions * k; ++i)
    cam[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
  const int32_t *offsets = run.ints({0, 3}), *ids = run.ints({0, 1, 3});
  /* What comes out is not compared: it is only required to come out. */
  const Guarded maps(3 * positions * 4), gradient(positions * k * 4);
  int32_t *peak = run.output_ints(k), *winner = run.output_ints(positions);
  run.kernels.cam_to_maps(cam, nullptr, offsets, ids, 1e-5f, static_cast<float*>(maps.data()), peak,
                          winner, 1, positions, k);
  for (int64_t p = 0; p < positions; ++p)
    expect(winner[p] >= 1 && winner[p] <= k, "a winner is no class");
  for (int64_t c = 0; c < k; ++c)
    expect(peak[c] >= 0 && peak[c] < positions, "a peak is no position");
  run.kernels.cam_to_maps_backward(cam, nullptr, offsets, ids, 1e-5f, peak, winner, cam,
                                   static_cast<float*>(gradient.data()), 1, positions, k);
});

Case pool("max_pool", {1, 2, 3, 16, 17, 64}, [](Run& run, int64_t c) {
  const Size sizes[] = {{1, 1}, {1, 2}, {2, 1}, {3, 3}, {4, 7}, {13, 6}};
  for (const Size& in : sizes) {
    const int64_t n = 2, h = (in.h - 1) / 2 + 1, w = (in.w - 1) / 2 + 1;
    const float* x = run.input(n * in.h * in.w * c);
    int32_t* index = run.output_ints(n * h * w * c);
    run.kernels.max_pool(x, run.output(n * h * w * c), index, n, in.h, in.w, c);
    run.kernels.max_pool(x, run.output(n * h * w * c), nullptr, n, in.h, in.w, c);
    const float* dy = run.input(n * h * w * c);
    run.kernels.max_pool_backward(dy, index, run.output(n * in.h * in.w * c), n, in.h, in.w, c);
    run.kernels.max_pool_backward(dy, run.ints(n * h * w * c, -100000, 100000),
                                  run.output(n * in.h * in.w * c), n, in.h, in.w, c);
  }
});

}  // namespace
}  // namespace wisp_tests
