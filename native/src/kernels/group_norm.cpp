#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Positions of one block, so that a block is about kStreamGrain elements. */
int64_t position_grain(int64_t c) { return kStreamGrain / c + 1; }

/*
 * Two sums per image and channel over the image's positions: `term(image, p, first, second)` adds
 * what position p of the batch has to each channel. Blocks of positions are summed on their own,
 * then in order. sums: [n, 2, c].
 */
template <class Term>
void image_sums(int64_t n, int64_t positions, int64_t c, double* sums, const Term& term) {
  const int64_t grain = position_grain(c), blocks = block_count(positions, grain);
  Scratch<double> part(n * blocks * 2 * c);
  double* parts = part.get();
  parallel_for(n * blocks, [=](int64_t block) {
    const int64_t image = block / blocks, begin = block % blocks * grain;
    const int64_t end = lesser(begin + grain, positions);
    double* first = parts + block * 2 * c;
    for (int64_t k = 0; k < 2 * c; ++k) first[k] = 0;
    for (int64_t p = begin; p < end; ++p) term(image, image * positions + p, first, first + c);
  });
  for (int64_t image = 0; image < n; ++image) {
    double* to = sums + image * 2 * c;
    for (int64_t k = 0; k < 2 * c; ++k) to[k] = 0;
    for (int64_t block = image * blocks; block < (image + 1) * blocks; ++block)
      for (int64_t k = 0; k < 2 * c; ++k) to[k] += parts[block * 2 * c + k];
  }
}

/* Calls body(image, p) for every position p of the batch, in parallel. */
template <class Body>
void each_position(int64_t n, int64_t positions, int64_t c, const Body& body) {
  parallel_ranges(n * positions, position_grain(c), [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) body(p / positions, p);
  });
}

}  // namespace

void group_norm_forward(const float* x, const float* gamma, const float* beta, float eps,
                        int32_t relu, float* y, float* mean, float* inv_std, int64_t n,
                        int64_t positions, int64_t c, int64_t groups) {
  const int64_t width = c / groups;
  Scratch<double> sum(n * 2 * c);
  Scratch<float> constant(n * 2 * c);
  double* sums = sum.get();
  float* constants = constant.get();
  /* Sums of x less its group's first value: they keep the variance of a group far from 0. */
  image_sums(n, positions, c, sums, [=](int64_t image, int64_t p, double* first, double* second) {
    const float* row = x + p * c;
    const float* base = x + image * positions * c;
    for (int64_t g = 0; g < groups; ++g) {
      const double shift = base[g * width];
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        const double d = row[k] - shift;
        first[k] += d;
        second[k] += d * d;
      }
    }
  });
  const double count = static_cast<double>(positions * width);
  for (int64_t image = 0; image < n; ++image) {
    const double* first = sums + image * 2 * c;
    float* centre = constants + image * 2 * c;
    float* scale = centre + c;
    for (int64_t g = 0; g < groups; ++g) {
      double total = 0, squares = 0;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        total += first[k];
        squares += first[c + k];
      }
      const double shift = total / count, spread = squares / count - shift * shift;
      const double at = x[image * positions * c + g * width] + shift;
      const double var = spread > 0 ? spread : spread * 0;
      const float inverse = static_cast<float>(1 / __builtin_sqrt(var + eps));
      mean[image * groups + g] = static_cast<float>(at);
      inv_std[image * groups + g] = inverse;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        centre[k] = mean[image * groups + g];
        scale[k] = gamma[k] * inverse;
      }
    }
  }
  each_position(n, positions, c, [=](int64_t image, int64_t p) {
    const float* from = x + p * c;
    const float* centre = constants + image * 2 * c;
    const float* scale = centre + c;
    float* to = y + p * c;
    for (int64_t k = 0; k < c; ++k) to[k] = (from[k] - centre[k]) * scale[k] + beta[k];
    if (relu)
      for (int64_t k = 0; k < c; ++k) to[k] = to[k] <= 0 ? 0.0f : to[k];
  });
}

void group_norm_backward(const float* x, const float* dy, const float* gamma, const float* mean,
                         const float* inv_std, float* dx, float* dgamma, float* dbeta, int64_t n,
                         int64_t positions, int64_t c, int64_t groups) {
  const int64_t width = c / groups;
  Scratch<double> sum(n * 2 * c);
  Scratch<float> constant(n * 2 * groups);
  double* sums = sum.get();
  float* constants = constant.get();
  image_sums(n, positions, c, sums, [=](int64_t image, int64_t p, double* first, double* second) {
    const float* row = x + p * c;
    const float* gradient = dy + p * c;
    for (int64_t g = 0; g < groups; ++g) {
      const double centre = mean[image * groups + g], inverse = inv_std[image * groups + g];
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        first[k] += gradient[k];
        second[k] += gradient[k] * ((row[k] - centre) * inverse);
      }
    }
  });
  const double count = static_cast<double>(positions * width);
  for (int64_t image = 0; image < n; ++image) {
    const double* first = sums + image * 2 * c;
    for (int64_t g = 0; g < groups; ++g) {
      double total = 0, product = 0;
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        total += gamma[k] * first[k];
        product += gamma[k] * first[c + k];
      }
      constants[(image * groups + g) * 2] = static_cast<float>(total / count);
      constants[(image * groups + g) * 2 + 1] = static_cast<float>(product / count);
    }
  }
  for (int64_t k = 0; k < c; ++k) {
    double total = 0, product = 0;
    for (int64_t image = 0; image < n; ++image) {
      total += sums[image * 2 * c + k];
      product += sums[image * 2 * c + c + k];
    }
    dbeta[k] = static_cast<float>(total);
    dgamma[k] = static_cast<float>(product);
  }
  each_position(n, positions, c, [=](int64_t image, int64_t p) {
    const float* row = x + p * c;
    const float* gradient = dy + p * c;
    float* to = dx + p * c;
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t at = image * groups + g;
      const float centre = mean[at], inverse = inv_std[at];
      const float mean_dy = constants[at * 2], mean_dy_xhat = constants[at * 2 + 1];
      for (int64_t k = g * width; k < (g + 1) * width; ++k) {
        const float xhat = (row[k] - centre) * inverse;
        to[k] = inverse * (gamma[k] * gradient[k] - mean_dy - xhat * mean_dy_xhat);
      }
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
