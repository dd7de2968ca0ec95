#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {

void fill(float* out, float value, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = value;
  });
}

void copy(const void* source, void* target, int64_t bytes) {
  const char* from = static_cast<const char*>(source);
  char* to = static_cast<char*>(target);
  parallel_ranges(bytes, 8 * kStreamGrain, [=](int64_t begin, int64_t end) {
    __builtin_memcpy(to + begin, from + begin, static_cast<unsigned long>(end - begin));
  });
}

void add_scaled(float factor, const float* source, float* target, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) target[i] += factor * source[i];
  });
}

void scale(float* x, const float* factor, int64_t n) {
  const float by = *factor;
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] *= by;
  });
}

void relu(const float* x, float* out, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) out[i] = x[i] <= 0 ? 0.0f : x[i];
  });
}

void relu_backward(const float* y, const float* dy, const float* extra, float* dx, int64_t n) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    const vf zero{};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const vf gradient = extra ? load(dy + i) + load(extra + i) : load(dy + i);
      store(dx + i, load(y + i) > zero ? gradient : zero);
    }
    for (; i < end; ++i) dx[i] = y[i] > 0 ? (extra ? dy[i] + extra[i] : dy[i]) : 0.0f;
  });
}

void add_mirrored(const float* mirrored, float* target, int64_t n, int64_t h, int64_t w,
                  int64_t c) {
  const int64_t row = w * c;
  parallel_for(n * h, [=](int64_t y) {
    const float* from = mirrored + y * row;
    float* to = target + y * row;
    for (int64_t i = 0; i < w; ++i)
      for (int64_t k = 0; k < c; ++k) to[i * c + k] += from[(w - 1 - i) * c + k];
  });
}

void denormalize(const float* x, const float* mean, const float* std, float* out,
                 int64_t positions) {
  parallel_ranges(positions, kStreamGrain / 4, [=](int64_t begin, int64_t end) {
    const float m[3] = {mean[0], mean[1], mean[2]}, s[3] = {std[0], std[1], std[2]};
    for (int64_t i = begin; i < end; ++i)
      for (int k = 0; k < 3; ++k) out[3 * i + k] = x[3 * i + k] * s[k] + m[k];
  });
}

namespace {
/* Channels one task of spatial_mean sums: four cache lines of each position. */
constexpr int64_t kMeanChannels = 64;
}  // namespace

void spatial_mean(const float* x, float* out, int64_t n, int64_t positions, int64_t c) {
  const int64_t groups = block_count(c, kMeanChannels);
  parallel_for(n * groups, [=](int64_t task) {
    const int64_t image = task / groups, begin = task % groups * kMeanChannels;
    const int64_t width = lesser(kMeanChannels, c - begin);
    const float* from = x + image * positions * c + begin;
    double total[kMeanChannels] = {};
    for (int64_t p = 0; p < positions; ++p)
      for (int64_t k = 0; k < width; ++k) total[k] += from[p * c + k];
    for (int64_t k = 0; k < width; ++k)
      out[image * c + begin + k] = static_cast<float>(total[k] / static_cast<double>(positions));
  });
}

void spatial_mean_backward(const float* d_out, float* dx, int64_t n, int64_t positions,
                           int64_t c) {
  const float share = 1.0f / static_cast<float>(positions);
  const int64_t grain = kStreamGrain / c + 1, blocks = block_count(positions, grain);
  parallel_for(n * blocks, [=](int64_t task) {
    const int64_t image = task / blocks, begin = task % blocks * grain;
    const float* from = d_out + image * c;
    for (int64_t p = begin; p < lesser(begin + grain, positions); ++p) {
      float* to = dx + (image * positions + p) * c;
      for (int64_t k = 0; k < c; ++k) to[k] += from[k] * share;
    }
  });
}

void soft_margin_loss(const float* score, const float* label, float* loss, float* d_score,
                      int64_t n, int64_t k) {
  const double count = static_cast<double>(n) * static_cast<double>(k);
  double total = 0;
  for (int64_t i = 0; i < n * k; ++i) {
    const double z = score[i], y = label[i];
    const double tail = __builtin_exp(-__builtin_fabs(z));
    /* -(y log s(z) + (1 - y) log s(-z)) without overflow for either sign of z. */
    total += __builtin_log1p(tail) + (z > 0 ? z : 0.0) - z * y + (z != z ? z : 0.0);
    if (d_score) {
      const double logistic = z >= 0 ? 1 / (1 + tail) : tail / (1 + tail);
      d_score[i] = static_cast<float>((logistic - y) / count);
    }
  }
  *loss = static_cast<float>(total / count);
}

void mean_absolute_difference(const float* a, const float* b, int64_t elements, double divisor,
                              float* loss, float* da) {
  const int64_t blocks = block_count(elements, kStreamGrain);
  Scratch<double> part(blocks);
  double* parts = part.get();
  const float share = static_cast<float>(1 / divisor);
  parallel_for(blocks, [=](int64_t block) {
    const int64_t begin = block * kStreamGrain, end = lesser(begin + kStreamGrain, elements);
    double total = 0;
    for (int64_t i = begin; i < end; ++i) {
      const float difference = a[i] - b[i];
      total += __builtin_fabsf(difference);
      if (da) da[i] = difference > 0 ? share : difference < 0 ? -share : 0.0f;
    }
    parts[block] = total;
  });
  double total = 0;
  for (int64_t block = 0; block < blocks; ++block) total += parts[block];
  *loss = static_cast<float>(total / divisor);
}

}  // namespace WISP_TIER
}  // namespace wisp
