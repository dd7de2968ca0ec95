#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Sums that run side by side in double(): enough to hide the adder's latency. */
constexpr int kSums = 4 * kLanes;

/* a . b in double, in a fixed order. */
double dot(const float* a, const float* b, int64_t n) {
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int j = 0; j < kSums; ++j) sums[j] += static_cast<double>(a[i + j]) * b[i + j];
  for (int j = 0; i < n; ++i, ++j) sums[j] += static_cast<double>(a[i]) * b[i];
  double total = 0;
  for (double part : sums) total += part;
  return total;
}

/* Pieces of a list of arrays, numbered through: array a has pieces first[a] .. first[a + 1]. */
struct Pieces {
  Scratch<int64_t> first;
  int64_t arrays, total;

  Pieces(const int64_t* sizes, int64_t count) : first(count + 1), arrays(count), total(0) {
    for (int64_t a = 0; a < count; ++a) {
      first[a] = total;
      total += block_count(sizes[a], kStreamGrain);
    }
    first[count] = total;
  }

  static int64_t array_of(const int64_t* first, int64_t arrays, int64_t piece) {
    int64_t low = 0, high = arrays;
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (first[middle] <= piece ? low : high) = middle;
    }
    return low;
  }
};

void sgd_piece(float* w, const float* g, float* v, int64_t n, float clip, float rate, float decay,
               float momentum, bool first) {
  if (v == nullptr) {
    for (int64_t i = 0; i < n; ++i) w[i] -= rate * (clip * g[i] + decay * w[i]);
  } else if (first) {
    for (int64_t i = 0; i < n; ++i) {
      v[i] = clip * g[i] + decay * w[i];
      w[i] -= rate * v[i];
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      v[i] = momentum * v[i] + (clip * g[i] + decay * w[i]);
      w[i] -= rate * v[i];
    }
  }
}

}  // namespace

void gradient_norm(const float* const* gradients, const int64_t* sizes, int64_t count,
                   float* norm) {
  Pieces pieces(sizes, count);
  Scratch<double> part(pieces.total);
  double* parts = part.get();
  const int64_t* first = pieces.first.get();
  parallel_for(pieces.total, [=](int64_t piece) {
    const int64_t a = Pieces::array_of(first, count, piece);
    const int64_t begin = (piece - first[a]) * kStreamGrain;
    const float* from = gradients[a] + begin;
    parts[piece] = dot(from, from, lesser(kStreamGrain, sizes[a] - begin));
  });
  double total = 0;
  for (int64_t piece = 0; piece < pieces.total; ++piece) total += parts[piece];
  *norm = static_cast<float>(__builtin_sqrt(total));
}

void sgd_step(float* const* weights, const float* const* gradients, float* const* velocities,
              const float* rates, const int64_t* sizes, int64_t count, const float* norm,
              const float* loss_scale, float max_norm, float weight_decay, float momentum,
              int32_t first_step) {
  const bool skipped = loss_scale && !__builtin_isfinite(*norm);
  if (skipped && !first_step) return;
  const float scale = loss_scale ? *loss_scale : 1.0f;
  float clip = 1;
  if (!__builtin_isinf(max_norm)) {
    const float ratio = max_norm / (*norm / scale + 1e-6f);
    /* A NaN norm makes the weights NaN: it must not look like a step without clipping. */
    clip = ratio >= 1 ? 1.0f : ratio;
  }
  const float factor = clip / scale;
  Pieces pieces(sizes, count);
  const int64_t* first = pieces.first.get();
  parallel_for(pieces.total, [=](int64_t piece) {
    const int64_t a = Pieces::array_of(first, count, piece);
    const int64_t begin = (piece - first[a]) * kStreamGrain;
    const int64_t n = lesser(kStreamGrain, sizes[a] - begin);
    float* v = velocities[a] ? velocities[a] + begin : nullptr;
    if (skipped) {
      for (int64_t i = 0; v && i < n; ++i) v[i] = 0;
    } else {
      sgd_piece(weights[a] + begin, gradients[a] + begin, v, n, factor, rates[a], weight_decay,
                momentum, first_step != 0);
    }
  });
}

void update_loss_scale(const float* norm, float* loss_scale, int32_t interval) {
  constexpr float kMost = 16777216, kLeast = 1;
  const float scale = loss_scale[0], good = loss_scale[1] + 1;
  const bool finite = __builtin_isfinite(*norm), due = good >= static_cast<float>(interval);
  if (!finite) {
    loss_scale[0] = scale / 2 > kLeast ? scale / 2 : kLeast;
  } else if (due) {
    loss_scale[0] = scale * 2 < kMost ? scale * 2 : kMost;
  }
  loss_scale[1] = !finite || due ? 0 : good;
}

void fold_norm(const float* gamma, const float* beta, const float* mean, const float* var,
               float eps, float* scale, float* bias, int64_t channels) {
  for (int64_t o = 0; o < channels; ++o) {
    const double factor = gamma[o] / __builtin_sqrt(static_cast<double>(var[o]) + eps);
    scale[o] = static_cast<float>(factor);
    scale[channels + o] = static_cast<float>(factor - scale[o]);
    bias[o] = static_cast<float>(beta[o] - mean[o] * factor);
  }
}

void fold_norm_backward(const float* dw_folded, const float* weight, const float* db,
                        const float* gamma, const float* mean, const float* var, float eps,
                        float* dw, float* dgamma, int64_t channels, int64_t fan_in) {
  parallel_for(channels, [=](int64_t o) {
    const float* from = dw_folded + o * fan_in;
    float* to = dw + o * fan_in;
    const double inv_std = 1 / __builtin_sqrt(static_cast<double>(var[o]) + eps);
    const double along = dot(from, weight + o * fan_in, fan_in);
    dgamma[o] = static_cast<float>((along - static_cast<double>(db[o]) * mean[o]) * inv_std);
    const float scale = static_cast<float>(gamma[o] * inv_std);
    for (int64_t i = 0; i < fan_in; ++i) to[i] = from[i] * scale;
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
