#include "kernels.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

constexpr int kFractionBits = 22;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

inline uint8_t rounded(int32_t sum) {
  const int32_t value = sum >> kFractionBits;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

typedef int32_t pixel __attribute__((vector_size(16)));
typedef uint8_t pixel_bytes __attribute__((vector_size(4)));

inline pixel widened(const uint8_t* p) {
  pixel_bytes bytes;
  __builtin_memcpy(&bytes, p, 4);
  return __builtin_convertvector(bytes, pixel);
}

/* One row of RGB: a pixel and the byte after it fill a vector, the last pixel is read alone. */
void rgb_row(const uint8_t* row, int64_t w, int64_t out_w, const int32_t* starts,
             const int32_t* counts, const int32_t* weights, int64_t taps, uint8_t* out) {
  const pixel half = pixel{} + kHalf;
  for (int64_t o = 0; o < out_w; ++o) {
    const int32_t* weight = weights + o * taps;
    const uint8_t* p = row + starts[o] * 3;
    const int64_t count = counts[o];
    const bool reaches_end = starts[o] + count == w;
    const int64_t safe = reaches_end ? count - 1 : count;
    pixel sum = half;
    for (int64_t t = 0; t < safe; ++t) sum += widened(p + t * 3) * weight[t];
    if (reaches_end) {
      const uint8_t* last = p + safe * 3;
      sum += pixel{last[0], last[1], last[2], 0} * weight[safe];
    }
    for (int ch = 0; ch < 3; ++ch) out[o * 3 + ch] = rounded(sum[ch]);
  }
}

void any_row(const uint8_t* row, int64_t c, int64_t out_w, const int32_t* starts,
             const int32_t* counts, const int32_t* weights, int64_t taps, uint8_t* out) {
  for (int64_t o = 0; o < out_w; ++o)
    for (int64_t ch = 0; ch < c; ++ch) {
      const uint8_t* p = row + starts[o] * c + ch;
      int32_t sum = kHalf;
      for (int64_t t = 0; t < counts[o]; ++t) sum += weights[o * taps + t] * p[t * c];
      out[o * c + ch] = rounded(sum);
    }
}

}  // namespace

void pillow_rows(const uint8_t* source, int64_t h, int64_t w, int64_t c, int64_t out_w,
                 const int32_t* starts, const int32_t* counts, const int32_t* weights,
                 int64_t taps, uint8_t* out) {
  for (int64_t y = 0; y < h; ++y) {
    const uint8_t* row = source + y * w * c;
    uint8_t* target = out + y * out_w * c;
    if (c == 3) {
      rgb_row(row, w, out_w, starts, counts, weights, taps, target);
    } else {
      any_row(row, c, out_w, starts, counts, weights, taps, target);
    }
  }
}

void pillow_columns(const uint8_t* source, int64_t row_bytes, int64_t out_h,
                    const int32_t* starts, const int32_t* counts, const int32_t* weights,
                    int64_t taps, uint8_t* out) {
  constexpr int64_t kBlock = 64; /* sums that stay in registers */
  for (int64_t o = 0; o < out_h; ++o) {
    const uint8_t* first = source + starts[o] * row_bytes;
    const int32_t* weight = weights + o * taps;
    uint8_t* target = out + o * row_bytes;
    int64_t x = 0;
    for (; x + kBlock <= row_bytes; x += kBlock) {
      int32_t sums[kBlock];
      for (int i = 0; i < kBlock; ++i) sums[i] = kHalf;
      for (int32_t t = 0; t < counts[o]; ++t) {
        const uint8_t* p = first + t * row_bytes + x;
        for (int i = 0; i < kBlock; ++i) sums[i] += weight[t] * p[i];
      }
      for (int i = 0; i < kBlock; ++i) target[x + i] = rounded(sums[i]);
    }
    for (; x < row_bytes; ++x) {
      int32_t sum = kHalf;
      for (int32_t t = 0; t < counts[o]; ++t) sum += weight[t] * first[t * row_bytes + x];
      target[x] = rounded(sum);
    }
  }
}

}  // namespace WISP_TIER
}  // namespace wisp
