#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Floor of both norms of the cosine. */
constexpr float kCosineEps = 1e-8f;

/* Positions of a task; positions and classes whose products are summed together in registers. */
constexpr int64_t kPositions = 32;
constexpr int kTogether = kLanes == 16 ? 4 : 2;
constexpr int kClasses = 4;

/* Vectors of channels of a task of the backward pass. */
constexpr int kVectors = kLanes == 16 ? 4 : 2;
constexpr int64_t kChannels = kVectors * kLanes;

float norm(const float* x, int64_t d) {
  vf squares{};
  for (int64_t c = 0; c < d; c += kLanes) {
    const vf v = load_part(x + c, lesser(kLanes, d - c));
    squares = fma(v, v, squares);
  }
  return __builtin_sqrtf(sum(squares));
}

/* dots[r * kPositions + i] = f_i . p_r for I positions and R prototypes; squares[i] = f_i . f_i
   with Norms. */
template <int I, int R, bool Norms>
inline void dots_block(const float* feature, const float* prototypes, int64_t d, float* dots,
                       float* squares) {
  vf sums[R][I], own[I];
  for (int i = 0; i < I; ++i) own[i] = vf{};
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < I; ++i) sums[r][i] = vf{};
  int64_t c = 0;
  for (; c + kLanes <= d; c += kLanes) {
    vf f[I];
    for (int i = 0; i < I; ++i) f[i] = load(feature + i * d + c);
    for (int i = 0; i < I && Norms; ++i) own[i] = fma(f[i], f[i], own[i]);
    for (int r = 0; r < R; ++r) {
      const vf p = load(prototypes + r * d + c);
      for (int i = 0; i < I; ++i) sums[r][i] = fma(f[i], p, sums[r][i]);
    }
  }
  if (c < d) {
    vf f[I];
    for (int i = 0; i < I; ++i) f[i] = load_part(feature + i * d + c, d - c);
    for (int i = 0; i < I && Norms; ++i) own[i] = fma(f[i], f[i], own[i]);
    for (int r = 0; r < R; ++r) {
      const vf p = load_part(prototypes + r * d + c, d - c);
      for (int i = 0; i < I; ++i) sums[r][i] = fma(f[i], p, sums[r][i]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < I; ++i) dots[r * kPositions + i] = sum(sums[r][i]);
  for (int i = 0; i < I && Norms; ++i) squares[i] = sum(own[i]);
}

template <int R, bool Norms>
void dots_classes(const float* feature, const float* prototypes, int64_t d, int64_t count,
                  float* dots, float* squares) {
  int64_t i = 0;
  for (; i + kTogether <= count; i += kTogether)
    dots_block<kTogether, R, Norms>(feature + i * d, prototypes, d, dots + i, squares + i);
  for (; i < count; ++i)
    dots_block<1, R, Norms>(feature + i * d, prototypes, d, dots + i, squares + i);
}

template <bool Norms>
void dots_group(const float* feature, const float* prototypes, int64_t d, int64_t classes,
                int64_t count, float* dots, float* squares) {
  switch (classes) {
    case 4: dots_classes<4, Norms>(feature, prototypes, d, count, dots, squares); break;
    case 3: dots_classes<3, Norms>(feature, prototypes, d, count, dots, squares); break;
    case 2: dots_classes<2, Norms>(feature, prototypes, d, count, dots, squares); break;
    default: dots_classes<1, Norms>(feature, prototypes, d, count, dots, squares); break;
  }
}

struct Backward {
  const float* feature; /* of one image */
  const float* prototypes;
  int64_t positions, d, rows;
  const float* weights; /* [rows, positions]: g / (|f| |P|) */
  const float* f_turn;  /* [positions]: sum over rows of g cos / |f|^2 */
  const float* p_turn;  /* [rows]: sum over positions of g cos / |P|^2 */
  float* d_feature;
  float* d_prototypes;
};

/* R classes over one block of channels; the first group also subtracts the features' own term. */
template <int R, int V>
void backward_block(const Backward& b, int64_t row, int64_t c, int64_t lanes, bool first) {
  vf sums[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = vf{};
  const bool whole = lanes == kLanes;
  for (int64_t i = 0; i < b.positions; ++i) {
    const float* feature = b.feature + i * b.d + c;
    float* target = b.d_feature + i * b.d + c;
    const vf turn = splat(first ? b.f_turn[i] : 0.0f);
    vf f[V], df[V];
    for (int v = 0; v < V; ++v) {
      f[v] = whole ? load(feature + v * kLanes) : load_part(feature, lanes);
      df[v] = whole ? load(target + v * kLanes) : load_part(target, lanes);
      df[v] = df[v] - turn * f[v];
    }
    for (int r = 0; r < R; ++r) {
      const vf weight = splat(b.weights[(row + r) * b.positions + i]);
      const float* prototype = b.prototypes + (row + r) * b.d + c;
      for (int v = 0; v < V; ++v) {
        const vf p = whole ? load(prototype + v * kLanes) : load_part(prototype, lanes);
        df[v] = fma(weight, p, df[v]);
        sums[r][v] = fma(weight, f[v], sums[r][v]);
      }
    }
    for (int v = 0; v < V; ++v) {
      if (whole) {
        store(target + v * kLanes, df[v]);
      } else {
        store_part(target, df[v], lanes);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    const float* prototype = b.prototypes + (row + r) * b.d + c;
    float* target = b.d_prototypes + (row + r) * b.d + c;
    const vf turn = splat(b.p_turn[row + r]);
    for (int v = 0; v < V; ++v) {
      const int64_t n = whole ? kLanes : lanes;
      const vf p = load_part(prototype + v * kLanes, n);
      store_part(target + v * kLanes, sums[r][v] - turn * p, n);
    }
  }
}

template <int R>
void backward_channels(const Backward& b, int64_t row, int64_t begin, int64_t end, bool first) {
  int64_t c = begin;
  for (; c + kChannels <= end; c += kChannels)
    backward_block<R, kVectors>(b, row, c, kLanes, first);
  for (; c < end; c += kLanes) backward_block<R, 1>(b, row, c, lesser(kLanes, end - c), first);
}

/*
 * What the gradient of one image needs per position and row:
 * d cos / d f = (P / |P| - cos f / |f|) / |f|, and likewise for P; a clamped norm does not turn.
 */
void coefficients(int64_t positions, int64_t rows, const float* feature_norms,
                  const float* prototype_norms, const float* maps, const float* d_maps,
                  float* weights, float* f_turn, float* p_turn) {
  for (int64_t i = 0; i < positions; ++i) f_turn[i] = 0.0f;
  for (int64_t r = 0; r < rows; ++r) {
    const bool clamped = prototype_norms[r] < kCosineEps;
    const float p_norm = clamped ? kCosineEps : prototype_norms[r];
    const float* map = maps + r * positions;
    const float* gradient = d_maps + r * positions;
    double turn = 0;
    for (int64_t i = 0; i < positions; ++i) {
      const float f_norm = feature_norms[i] < kCosineEps ? kCosineEps : feature_norms[i];
      const float g = map[i] > 0 ? gradient[i] : 0.0f;
      const float turned = map[i] > 0 ? g * map[i] : 0.0f;
      weights[r * positions + i] = g / f_norm / p_norm;
      f_turn[i] += turned;
      turn += static_cast<double>(turned);
    }
    p_turn[r] = clamped ? 0.0f : static_cast<float>(turn) / p_norm / p_norm;
  }
  for (int64_t i = 0; i < positions; ++i) {
    const float f_norm = feature_norms[i];
    f_turn[i] = f_norm < kCosineEps ? 0.0f : f_turn[i] / f_norm / f_norm;
  }
}

}  // namespace

void reactivate(const float* feature, int64_t n, int64_t positions, int64_t d,
                const float* prototypes, const int32_t* offsets, float* feature_norms,
                float* prototype_norms, float* maps) {
  parallel_for(offsets[n], [&](int64_t row) {
    prototype_norms[row] = norm(prototypes + row * d, d);
  });
  if (positions == 0) return;
  const int64_t blocks = block_count(positions, kPositions);
  parallel_for(n * blocks, [&](int64_t task) {
    const int64_t b = task / blocks, begin = task % blocks * kPositions;
    const int64_t count = lesser(kPositions, positions - begin);
    const int64_t at = b * positions + begin, last = offsets[b + 1];
    alignas(64) float dots[kClasses * kPositions], norms[kPositions];
    for (int64_t row = offsets[b]; row < last; row += kClasses) {
      const float* f = feature + at * d;
      const float* p = prototypes + row * d;
      const int64_t classes = lesser(kClasses, last - row);
      if (row == offsets[b]) {
        dots_group<true>(f, p, d, classes, count, dots, norms);
        for (int64_t i = 0; i < count; ++i) {
          norms[i] = __builtin_sqrtf(norms[i]);
          feature_norms[at + i] = norms[i];
          norms[i] = norms[i] < kCosineEps ? kCosineEps : norms[i];
        }
      } else {
        dots_group<false>(f, p, d, classes, count, dots, norms);
      }
      for (int64_t r = 0; r < classes; ++r) {
        const float p_norm =
            prototype_norms[row + r] < kCosineEps ? kCosineEps : prototype_norms[row + r];
        float* map = maps + (row + r) * positions + begin;
        for (int64_t i = 0; i < count; ++i) {
          const float cosine = dots[r * kPositions + i] / norms[i] / p_norm;
          map[i] = cosine <= 0 ? 0.0f : cosine;
        }
      }
    }
    /* An image without rows still has norms. */
    for (int64_t i = 0; i < count && offsets[b] == last; ++i) {
      feature_norms[at + i] = norm(feature + (at + i) * d, d);
    }
  });
}

void reactivate_backward(const float* feature, int64_t n, int64_t positions, int64_t d,
                         const float* prototypes, const int32_t* offsets,
                         const float* feature_norms, const float* prototype_norms,
                         const float* maps, const float* d_maps, float* d_feature,
                         float* d_prototypes) {
  if (d == 0) return;
  const int64_t all = offsets[n];
  Scratch<float> weights(all * positions), f_turn(n * positions), p_turn(all);
  parallel_for(n, [&](int64_t b) {
    const int64_t row = offsets[b], at = row * positions;
    coefficients(positions, offsets[b + 1] - row, feature_norms + b * positions,
                 prototype_norms + row, maps + at, d_maps + at, &weights[at],
                 &f_turn[b * positions], &p_turn[row]);
  });
  const int64_t blocks = block_count(d, kChannels);
  parallel_for(n * blocks, [&](int64_t task) {
    const int64_t b = task / blocks, begin = task % blocks * kChannels;
    const int64_t end = lesser(begin + kChannels, d), row = offsets[b];
    const Backward image{feature + b * positions * d,
                         prototypes + row * d,
                         positions,
                         d,
                         offsets[b + 1] - row,
                         &weights[row * positions],
                         &f_turn[b * positions],
                         &p_turn[row],
                         d_feature + b * positions * d,
                         d_prototypes + row * d};
    for (int64_t r = 0; r < image.rows; r += kClasses) {
      switch (lesser(kClasses, image.rows - r)) {
        case 4: backward_channels<4>(image, r, begin, end, r == 0); break;
        case 3: backward_channels<3>(image, r, begin, end, r == 0); break;
        case 2: backward_channels<2>(image, r, begin, end, r == 0); break;
        default: backward_channels<1>(image, r, begin, end, r == 0); break;
      }
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
