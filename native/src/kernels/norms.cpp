#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Positions of one block, so that a block is about kStreamGrain elements. */
int64_t position_grain(int64_t c) { return kStreamGrain / (c > 0 ? c : 1) + 1; }

/*
 * Two sums per channel over all positions: `term(p, k, first, second)` adds position p's part of
 * channel k. Blocks are summed on their own, then in block order. sums: [2, c].
 */
template <class Term>
void channel_sums(int64_t positions, int64_t c, double* sums, const Term& term) {
  const int64_t grain = position_grain(c), blocks = block_count(positions, grain);
  Scratch<double> part(blocks * 2 * c);
  double* parts = part.get();
  parallel_for(blocks, [=](int64_t block) {
    double* first = parts + block * 2 * c;
    double* second = first + c;
    for (int64_t k = 0; k < 2 * c; ++k) first[k] = 0;
    const int64_t end = lesser((block + 1) * grain, positions);
    for (int64_t p = block * grain; p < end; ++p) term(p, first, second);
  });
  for (int64_t k = 0; k < 2 * c; ++k) sums[k] = 0;
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t k = 0; k < 2 * c; ++k) sums[k] += parts[block * 2 * c + k];
}

}  // namespace

void batch_norm_forward(const float* x, const float* gamma, const float* beta, float eps,
                        const float* residual, int32_t relu, float* y, float* mean, float* inv_std,
                        int64_t positions, int64_t c) {
  Scratch<double> sum(2 * c);
  Scratch<float> factor(c);
  double* sums = sum.get();
  float* scale = factor.get();
  /* Sums of x - x[0]: exact differences keep the variance of a channel far from 0 accurate. */
  channel_sums(positions, c, sums, [=](int64_t p, double* first, double* second) {
    const float* row = x + p * c;
    for (int64_t k = 0; k < c; ++k) {
      const double d = static_cast<double>(row[k]) - x[k];
      first[k] += d;
      second[k] += d * d;
    }
  });
  const double count = static_cast<double>(positions);
  for (int64_t k = 0; k < c; ++k) {
    const double shift = sums[k] / count, spread = sums[c + k] / count - shift * shift;
    mean[k] = static_cast<float>(x[k] + shift);
    inv_std[k] = static_cast<float>(1 / __builtin_sqrt((spread > 0 ? spread : spread * 0) + eps));
    scale[k] = gamma[k] * inv_std[k];
  }
  parallel_ranges(positions, position_grain(c), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = x + p * c;
      float* to = y + p * c;
      for (int64_t k = 0; k < c; ++k) to[k] = (from[k] - mean[k]) * scale[k] + beta[k];
      if (residual)
        for (int64_t k = 0; k < c; ++k) to[k] += residual[p * c + k];
      if (relu)
        for (int64_t k = 0; k < c; ++k) to[k] = to[k] <= 0 ? 0.0f : to[k];
    }
  });
}

void batch_norm_backward(const float* x, const float* dy, const float* gamma, const float* mean,
                         const float* inv_std, float* dx, float* dgamma, float* dbeta,
                         int64_t positions, int64_t c) {
  Scratch<double> sum(2 * c);
  Scratch<float> mean_gradients(2 * c);
  double* sums = sum.get();
  float* mean_dy = mean_gradients.get();
  float* mean_dy_xhat = mean_dy + c;
  channel_sums(positions, c, sums, [=](int64_t p, double* first, double* second) {
    const float* row = x + p * c;
    const float* gradient = dy + p * c;
    for (int64_t k = 0; k < c; ++k) {
      first[k] += gradient[k];
      second[k] += gradient[k] * ((static_cast<double>(row[k]) - mean[k]) * inv_std[k]);
    }
  });
  const double count = static_cast<double>(positions);
  for (int64_t k = 0; k < c; ++k) {
    dbeta[k] = static_cast<float>(sums[k]);
    dgamma[k] = static_cast<float>(sums[c + k]);
    mean_dy[k] = static_cast<float>(sums[k] / count);
    mean_dy_xhat[k] = static_cast<float>(sums[c + k] / count);
  }
  parallel_ranges(positions, position_grain(c), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* row = x + p * c;
      const float* gradient = dy + p * c;
      float* to = dx + p * c;
      for (int64_t k = 0; k < c; ++k) {
        const float xhat = (row[k] - mean[k]) * inv_std[k];
        to[k] = gamma[k] * inv_std[k] * (gradient[k] - mean_dy[k] - xhat * mean_dy_xhat[k]);
      }
    }
  });
}

void batch_norm_update(const float* mean, const float* inv_std, float eps, int64_t count,
                       float momentum, float* running_mean, float* running_var, int64_t c) {
  const double unbias = static_cast<double>(count) / static_cast<double>(count - 1);
  for (int64_t k = 0; k < c; ++k) {
    const double deviation = inv_std[k];
    const double var = 1 / (deviation * deviation) - eps;
    running_mean[k] += momentum * (mean[k] - running_mean[k]);
    running_var[k] += static_cast<float>(momentum * (var * unbias - running_var[k]));
  }
}

namespace {

/* a . b over c channels: four accumulators, added in a fixed order. */
inline float dot(const float* a, const float* b, int64_t c) {
  vf s0{}, s1{}, s2{}, s3{};
  int64_t k = 0;
  for (; k + 4 * kLanes <= c; k += 4 * kLanes) {
    s0 = fma(load(a + k), load(b + k), s0);
    s1 = fma(load(a + k + kLanes), load(b + k + kLanes), s1);
    s2 = fma(load(a + k + 2 * kLanes), load(b + k + 2 * kLanes), s2);
    s3 = fma(load(a + k + 3 * kLanes), load(b + k + 3 * kLanes), s3);
  }
  for (; k + kLanes <= c; k += kLanes) s0 = fma(load(a + k), load(b + k), s0);
  if (k < c) s1 = fma(load_part(a + k, c - k), load_part(b + k, c - k), s1);
  return sum((s0 + s1) + (s2 + s3));
}

}  // namespace

void l2_normalize(const float* x, float eps, float* y, float* norms, int64_t positions,
                  int64_t c) {
  parallel_ranges(positions, position_grain(c), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = x + p * c;
      float* to = y + p * c;
      const float norm = __builtin_sqrtf(dot(from, from, c));
      norms[p] = norm;
      const float divisor = norm + eps;
      for (int64_t k = 0; k < c; ++k) to[k] = from[k] / divisor;
    }
  });
}

void l2_normalize_backward(const float* x, const float* norms, const float* dy, float eps,
                           float* dx, int64_t positions, int64_t c) {
  parallel_ranges(positions, position_grain(c), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = x + p * c;
      const float* gradient = dy + p * c;
      float* to = dx + p * c;
      const float norm = norms[p], divisor = norm + eps, direct = 1 / divisor;
      /* Divided step by step: n (n + eps)^2 underflows for norms near 1e-15. */
      const float radial =
          norm > 0 ? dot(from, gradient, c) / norm / divisor / divisor : norm * 0.0f;
      for (int64_t k = 0; k < c; ++k) to[k] = gradient[k] * direct - from[k] * radial;
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
