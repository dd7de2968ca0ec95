#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

inline float positive(float x) { return x > 0 ? x : 0.0f; }

/* The peak's value, and 0 for an index that lies outside the image. */
inline float peak_value(const float* cam, int32_t peak, int64_t positions, int64_t k,
                        int64_t channel) {
  return peak >= 0 && peak < positions ? positive(cam[peak * k + channel]) : 0.0f;
}

}  // namespace

void cam_to_maps(const float* cam, const float* valid, const int32_t* offsets, const int32_t* ids,
                 float eps, float* maps, int32_t* peak, int32_t* winner, int64_t n,
                 int64_t positions, int64_t k) {
  Scratch<float> divisor(n * k), best(n * positions);
  float *divisors = divisor.get(), *bests = best.get();
  parallel_for(n, [=](int64_t image) {
    const float* values = cam + image * positions * k;
    float* top = divisors + image * k;
    int32_t* at = peak + image * k;
    for (int64_t c = 0; c < k; ++c) {
      top[c] = 0;
      at[c] = 0;
    }
    for (int64_t p = 0; p < positions; ++p)
      for (int64_t c = 0; c < k; ++c) {
        const bool higher = values[p * k + c] > top[c];
        at[c] = higher ? static_cast<int32_t>(p) : at[c];
        top[c] = higher ? values[p * k + c] : top[c];
      }
    for (int64_t c = 0; c < k; ++c) top[c] += eps;
  });
  parallel_ranges(n * positions, kStreamGrain / (k + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* values = cam + i * k;
      const float* top = divisors + i / positions * k;
      float largest = positive(values[0]) / top[0];
      int32_t winning = 1;
      for (int64_t c = 1; c < k; ++c) {
        const float map = positive(values[c]) / top[c];
        winning = map > largest ? static_cast<int32_t>(c + 1) : winning;
        largest = map > largest ? map : largest;
      }
      winner[i] = winning;
      bests[i] = largest;
    }
  });
  parallel_for(n, [=](int64_t image) {
    const float* mask = valid ? valid + image * positions : nullptr;
    for (int64_t row = offsets[image]; row < offsets[image + 1]; ++row) {
      float* to = maps + row * positions;
      if (ids[row] == 0) {
        for (int64_t p = 0; p < positions; ++p) to[p] = 1 - bests[image * positions + p];
      } else {
        const int64_t c = ids[row] - 1;
        const float* values = cam + image * positions * k + c;
        const float top = divisors[image * k + c];
        for (int64_t p = 0; p < positions; ++p) to[p] = positive(values[p * k]) / top;
      }
      if (mask)
        for (int64_t p = 0; p < positions; ++p) to[p] *= mask[p];
    }
  });
}

void cam_to_maps_backward(const float* cam, const float* valid, const int32_t* offsets,
                          const int32_t* ids, float eps, const int32_t* peak,
                          const int32_t* winner, const float* d_maps, float* d_cam, int64_t n,
                          int64_t positions, int64_t k) {
  Scratch<double> through_peak(n * k);
  double* peak_sums = through_peak.get();
  parallel_for(n, [=](int64_t image) {
    const float* values = cam + image * positions * k;
    const float* mask = valid ? valid + image * positions : nullptr;
    const int32_t* winners = winner + image * positions;
    const int32_t* at = peak + image * k;
    float* to = d_cam + image * positions * k;
    double* sums = peak_sums + image * k;
    for (int64_t i = 0; i < positions * k; ++i) to[i] = 0;
    for (int64_t c = 0; c < k; ++c) sums[c] = 0;
    /* First the gradients of the maps M_k; the background's goes, negated, to the winner. */
    for (int64_t row = offsets[image]; row < offsets[image + 1]; ++row) {
      const float* gradient = d_maps + row * positions;
      for (int64_t p = 0; p < positions; ++p) {
        const float g = mask ? gradient[p] * mask[p] : gradient[p];
        if (ids[row] > 0)
          to[p * k + ids[row] - 1] += g;
        else if (winners[p] >= 1 && winners[p] <= k)
          to[p * k + winners[p] - 1] -= g;
      }
    }
    for (int64_t p = 0; p < positions; ++p)
      for (int64_t c = 0; c < k; ++c)
        sums[c] += static_cast<double>(to[p * k + c]) * positive(values[p * k + c]);
    for (int64_t c = 0; c < k; ++c) {
      const double divisor = peak_value(values, at[c], positions, k, c) + eps;
      for (int64_t p = 0; p < positions; ++p) {
        float& g = to[p * k + c];
        g = values[p * k + c] > 0 ? static_cast<float>(g / divisor) : 0.0f;
      }
      if (at[c] >= 0 && at[c] < positions && values[at[c] * k + c] > 0)
        to[at[c] * k + c] -= static_cast<float>(sums[c] / divisor / divisor);
    }
  });
}

void normalize_maps(const float* maps, int32_t min_max, float eps, float* out, int32_t* peak,
                    int64_t rows, int64_t positions) {
  parallel_for(rows, [=](int64_t row) {
    const float* from = maps + row * positions;
    float* to = out + row * positions;
    int32_t highest = 0, lowest = 0;
    for (int64_t p = 1; p < positions; ++p) {
      if (from[p] > from[highest]) highest = static_cast<int32_t>(p);
      if (from[p] < from[lowest]) lowest = static_cast<int32_t>(p);
    }
    peak[2 * row] = highest;
    peak[2 * row + 1] = lowest;
    if (positions == 0) return;
    const float base = min_max ? from[lowest] : 0.0f, divisor = from[highest] - base + eps;
    for (int64_t p = 0; p < positions; ++p) to[p] = (from[p] - base) / divisor;
  });
}

void normalize_maps_backward(const float* maps, int32_t min_max, float eps, const int32_t* peak,
                             const float* d_out, float* d_maps, int64_t rows, int64_t positions) {
  parallel_for(rows, [=](int64_t row) {
    const float* from = maps + row * positions;
    const float* gradient = d_out + row * positions;
    float* to = d_maps + row * positions;
    const int64_t highest = peak[2 * row], lowest = peak[2 * row + 1];
    const bool inside = highest >= 0 && highest < positions && lowest >= 0 && lowest < positions;
    if (!inside) {
      for (int64_t p = 0; p < positions; ++p) to[p] = 0;
      return;
    }
    const float base = min_max ? from[lowest] : 0.0f, divisor = from[highest] - base + eps;
    double plain = 0, weighted = 0;
    for (int64_t p = 0; p < positions; ++p) {
      plain += gradient[p];
      weighted += static_cast<double>(gradient[p]) * (from[p] - base);
      to[p] = gradient[p] / divisor;
    }
    const double spread = weighted / divisor / divisor;
    to[highest] -= static_cast<float>(spread);
    if (min_max) to[lowest] += static_cast<float>(spread - plain / divisor);
  });
}

void argmax_maps(const float* maps, const int32_t* offsets, const int32_t* ids,
                 float background_factor, int32_t* seeds, int64_t n, int64_t positions) {
  const int64_t grain = kStreamGrain / 16, blocks = block_count(positions, grain);
  parallel_for(n * blocks, [=](int64_t task) {
    const int64_t image = task / blocks, begin = task % blocks * grain;
    const int64_t length = lesser(grain, positions - begin);
    int32_t* to = seeds + image * positions + begin;
    float best[kStreamGrain / 16];
    for (int64_t row = offsets[image]; row < offsets[image + 1]; ++row) {
      const float* from = maps + row * positions + begin;
      const float factor = ids[row] == 0 ? background_factor : 1.0f;
      const bool first = row == offsets[image];
      for (int64_t p = 0; p < length; ++p) {
        const float value = from[p] * factor;
        const bool wins = first | (value > best[p]);
        to[p] = wins ? ids[row] : to[p];
        best[p] = wins ? value : best[p];
      }
    }
  });
}

void limit_seeds(const float* support, const int32_t* offsets, const int32_t* ids, float share,
                 int32_t* seeds, int64_t n, int64_t positions) {
  const int64_t grain = kStreamGrain / 16, blocks = block_count(positions, grain);
  parallel_for(n * blocks, [=](int64_t task) {
    const int64_t image = task / blocks, begin = task % blocks * grain;
    const int64_t length = lesser(grain, positions - begin);
    int32_t* to = seeds + image * positions + begin;
    for (int64_t row = offsets[image]; row < offsets[image + 1]; ++row) {
      const int32_t id = ids[row];
      if (id == 0) continue;
      const float* from = support + row * positions + begin;
      for (int64_t p = 0; p < length; ++p)
        to[p] = (to[p] == id) & !(from[p] >= share) ? -1 : to[p];
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
