#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Vectors of channels summed together in registers; a block of channels is one task. */
constexpr int kVectors = 8;
constexpr int64_t kChannels = kVectors * kLanes;

/* Positions a task of the backward pass handles. */
constexpr int64_t kPositions = 32;

/* Row of each class of one image, -1 for none. */
void rows_of_classes(const int32_t* offsets, const int32_t* ids, int32_t total, int64_t image,
                     int32_t* row_of) {
  for (int32_t id = 0; id < total; ++id) row_of[id] = -1;
  for (int32_t row = offsets[image]; row < offsets[image + 1]; ++row) row_of[ids[row]] = row;
}

/*
 * The positions of an image ordered by the row of their seed, ascending within a row:
 * order[starts[r]..starts[r + 1]) belong to the image's row r; positions without a row are left
 * out. `starts` has rows + 1 entries.
 */
void sort_by_row(const int32_t* seeds, int64_t positions, const int32_t* row_of, int32_t total,
                 int32_t first_row, int64_t rows, int32_t* starts, int32_t* order) {
  for (int64_t r = 0; r <= rows; ++r) starts[r] = 0;
  for (int64_t i = 0; i < positions; ++i) {
    const int32_t seed = seeds[i];
    if (seed >= 0 && seed < total && row_of[seed] >= 0) ++starts[row_of[seed] - first_row];
  }
  int32_t begin = 0;
  for (int64_t r = 0; r <= rows; ++r) {
    const int32_t count = starts[r];
    starts[r] = begin;
    begin += count;
  }
  for (int64_t i = 0; i < positions; ++i) {
    const int32_t seed = seeds[i];
    if (seed >= 0 && seed < total && row_of[seed] >= 0) {
      order[starts[row_of[seed] - first_row]++] = static_cast<int32_t>(i);
    }
  }
  /* Every start has moved to the next row's. */
  for (int64_t r = rows; r > 0; --r) starts[r] = starts[r - 1];
  starts[0] = 0;
}

/* out = sum of the listed positions' features / positions, over up to kChannels channels. */
void mean_of(const float* feature, int64_t d, const int32_t* list, int64_t count, int64_t channels,
             float positions, float* out) {
  if (channels == kChannels) {
    vf sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = vf{};
    for (int64_t i = 0; i < count; ++i) {
      const float* f = feature + list[i] * d;
      for (int v = 0; v < kVectors; ++v) sums[v] = sums[v] + load(f + v * kLanes);
    }
    for (int v = 0; v < kVectors; ++v) store(out + v * kLanes, sums[v] / splat(positions));
    return;
  }
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t lanes = lesser(kLanes, channels - c);
    vf sums{};
    for (int64_t i = 0; i < count; ++i) sums = sums + load_part(feature + list[i] * d + c, lanes);
    store_part(out + c, sums / splat(positions), lanes);
  }
}

}  // namespace

void prototypes(const float* feature, int64_t n, int64_t positions, int64_t d,
                const int32_t* seeds, const int32_t* offsets, const int32_t* ids, int32_t total,
                float* prototypes) {
  if (n == 0 || d == 0) return;
  Scratch<int32_t> row_of(n * total), starts(offsets[n] + n), order(n * positions);
  parallel_for(n, [&](int64_t b) {
    rows_of_classes(offsets, ids, total, b, &row_of[b * total]);
    sort_by_row(seeds + b * positions, positions, &row_of[b * total], total, offsets[b],
                offsets[b + 1] - offsets[b], &starts[offsets[b] + b], &order[b * positions]);
  });
  const int64_t blocks = block_count(d, kChannels);
  parallel_for(n * blocks, [&](int64_t task) {
    const int64_t b = task / blocks, c = task % blocks * kChannels;
    const int32_t* start = &starts[offsets[b] + b];
    for (int64_t r = 0; r < offsets[b + 1] - offsets[b]; ++r) {
      mean_of(feature + b * positions * d + c, d, order.get() + b * positions + start[r],
              start[r + 1] - start[r], lesser(kChannels, d - c), static_cast<float>(positions),
              prototypes + (offsets[b] + r) * d + c);
    }
  });
}

void prototypes_backward(const float* d_prototypes, int64_t n, int64_t positions, int64_t d,
                         const int32_t* seeds, const int32_t* offsets, const int32_t* ids,
                         int32_t total, float* d_feature) {
  if (n == 0 || positions == 0 || d == 0) return;
  Scratch<int32_t> row_of(n * total);
  Scratch<float> share(offsets[n] * d);
  parallel_for(n, [&](int64_t b) {
    rows_of_classes(offsets, ids, total, b, &row_of[b * total]);
    const vf count = splat(static_cast<float>(positions));
    for (int64_t i = offsets[b] * d; i < offsets[b + 1] * d; i += kLanes) {
      const int64_t lanes = lesser(kLanes, offsets[b + 1] * d - i);
      store_part(&share[i], load_part(d_prototypes + i, lanes) / count, lanes);
    }
  });
  const int64_t blocks = block_count(positions, kPositions);
  parallel_for(n * blocks, [&](int64_t task) {
    const int64_t b = task / blocks, begin = task % blocks * kPositions;
    const int64_t end = lesser(begin + kPositions, positions);
    for (int64_t i = begin; i < end; ++i) {
      const int32_t seed = seeds[b * positions + i];
      const int32_t row = seed >= 0 && seed < total ? row_of[b * total + seed] : -1;
      if (row < 0) continue;
      float* target = d_feature + (b * positions + i) * d;
      const float* gradient = &share[row * d];
      for (int64_t c = 0; c < d; ++c) target[c] += gradient[c];
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
