#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"
#include "taps.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/*
 * exp(x) for x <= 0 to about one unit in the last place: x = n ln 2 + r with |r| <= ln(2) / 2, then
 * a polynomial (Cephes, expf). Below -87, where results near the denormals begin, it is 0.
 */
inline vf exp_nonpositive(vf x) {
  const vf shift = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
  const vf shifted = fma(x, splat(1.44269504088896341f), shift);
  const vf n = shifted - shift;
  const vf r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));
  vf p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + splat(1.0f);
  const vf result = (vf)((vi)p + (((vi)shifted - (vi)shift) << 23));
  return x < splat(-87.0f) ? vf{} : result;
}

struct Affinity {
  const float* planes; /* [n, c, h, stride] */
  int64_t h, w, c, taps;
  const int32_t* dilations;
  int64_t dilation_count;
  float sigma;
  PaddedRows rows;
  float* affinity;
  float* deviation;
  float* logit;
};

/* One row of one image; `differences` and `logits` hold one vector per tap, `at` taps + 1. */
void affinity_row(const Affinity& a, int64_t image, int64_t y, int64_t* at, vf* differences,
                  vf* logits) {
  const int64_t plane = a.h * a.rows.stride, pixels = a.h * a.w;
  const float samples = static_cast<float>(a.taps + a.dilation_count);
  const bool gaussian = a.sigma > 0;
  const float channels = static_cast<float>(a.c);
  const vf gaussian_scale = splat(1.0f / (2 * a.sigma * a.sigma * channels));
  a.rows.locate(y, a.h, a.dilations, a.dilation_count, at);
  for (int64_t x = 0; x < a.w; x += kLanes) {
    const int64_t lanes = lesser(kLanes, a.w - x);
    for (int64_t q = 0; q < a.taps; ++q) logits[q] = vf{};
    for (int64_t ch = 0; ch < a.c; ++ch) {
      /* Differences from the centre: exactly 0 where the window is constant. */
      const float* base = a.planes + (image * a.c + ch) * plane + x;
      const vf centre = load(base + at[a.taps]);
      vf total{};
      for (int64_t q = 0; q < a.taps; q += kWindow) {
        vf d[kWindow];
        for (int t = 0; t < kWindow; ++t) {
          d[t] = load(base + at[q + t]) - centre;
          differences[q + t] = d[t];
        }
        total = total + (((d[0] + d[1]) + (d[2] + d[3])) + ((d[4] + d[5]) + (d[6] + d[7])));
      }
      vf scale = gaussian_scale;
      if (!gaussian || a.deviation != nullptr) {
        const vf mean = total / splat(samples);
        vf squares = mean * mean * splat(static_cast<float>(a.dilation_count));
        for (int64_t q = 0; q < a.taps; q += kWindow) {
          vf s[kWindow];
          for (int t = 0; t < kWindow; ++t) {
            const vf e = differences[q + t] - mean;
            s[t] = e * e;
          }
          squares = squares + (((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])));
        }
        const vf deviation = sqrt(squares / splat(samples - 1));
        if (a.deviation != nullptr) {
          store_part(a.deviation + (image * a.c + ch) * pixels + y * a.w + x, deviation, lanes);
        }
        if (!gaussian) {
          scale = splat(1.0f) /
                  ((splat(1e-8f) + splat(0.1f) * deviation) * splat(channels));
        }
      }
      for (int64_t q = 0; q < a.taps; ++q) {
        const vf d = differences[q];
        logits[q] = logits[q] - (gaussian ? d * d : abs(d)) * scale;
      }
    }
    vf largest = logits[0];
    for (int64_t q = 1; q < a.taps; ++q) largest = max(logits[q], largest);
    vf total{};
    for (int64_t q = 0; q < a.taps; q += kWindow) {
      vf e[kWindow];
      for (int t = 0; t < kWindow; ++t) {
        e[t] = exp_nonpositive(logits[q + t] - largest);
        differences[q + t] = e[t];
      }
      total = total + (((e[0] + e[1]) + (e[2] + e[3])) + ((e[4] + e[5]) + (e[6] + e[7])));
    }
    const vf share = splat(1.0f) / total;
    const int64_t first = image * a.taps * pixels + y * a.w + x;
    for (int64_t q = 0; q < a.taps; ++q) {
      store_part(a.affinity + first + q * pixels, differences[q] * share, lanes);
    }
    for (int64_t q = 0; q < a.taps && a.logit != nullptr; ++q) {
      store_part(a.logit + first + q * pixels, logits[q], lanes);
    }
  }
}

}  // namespace

void pamr_affinity(const float* guide, int64_t n, int64_t h, int64_t w, int64_t c,
                   const int32_t* dilations, int64_t dilation_count, float sigma, float* affinity,
                   float* deviation, float* logit) {
  if (n == 0 || h == 0 || w == 0) return;
  const PaddedRows rows(w, dilations, dilation_count);
  const int64_t taps = kWindow * dilation_count;
  Scratch<float> planes(n * c * h * rows.stride);
  parallel_for(n * h, [&](int64_t line) {
    const int64_t image = line / h, y = line % h;
    for (int64_t ch = 0; ch < c; ++ch) {
      float* row = planes.get() + ((image * c + ch) * h + y) * rows.stride;
      const float* source = guide + line * w * c + ch;
      for (int64_t x = 0; x < w; ++x) row[rows.pad + x] = source[x * c];
      rows.extend(row);
    }
  });
  const Affinity a{planes.get(), h,     w,    c,        taps,      dilations,
                   dilation_count, sigma, rows, affinity, deviation, logit};
  /* Per worker: the tap offsets, then two vectors per tap, each on its own cache lines. */
  const int64_t offsets = (taps + 1 + 7) / 8 * 8;
  const int64_t bytes = offsets * 8 + 2 * taps * static_cast<int64_t>(sizeof(vf));
  const int64_t apart = (bytes + 127) / 64 * 64;
  Scratch<char> working(threads() * apart);
  parallel_workers(n * h, [&](int worker, int64_t line) {
    char* own = working.get() + worker * apart;
    vf* vectors = reinterpret_cast<vf*>(own + offsets * 8);
    affinity_row(a, line / h, line % h, reinterpret_cast<int64_t*>(own), vectors, vectors + taps);
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
