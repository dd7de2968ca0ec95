#include "kernels.h"
#include "kernels/bilinear.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Scores of a batch, read as if resized: a row at the source's columns, then pixel by pixel. */
class Resized {
 public:
  Resized(const float* logits, int64_t h, int64_t w, int64_t k, int64_t out_h, int64_t out_w)
      : logits_(logits),
        h_(h),
        w_(w),
        k_(k),
        out_h_(out_h),
        rows_(out_h),
        columns_(out_w),
        space_((w + 1) * k * threads()) {
    fill_taps(rows_.get(), h, out_h, 0);
    fill_taps(columns_.get(), w, out_w, 0);
    down = rows_.get();
    across = columns_.get();
    work_ = space_.get();
  }

  const Tap *down, *across;

  /* The worker's k values for a pixel. */
  float* pixel(int worker) const { return work_ + worker * (w_ + 1) * k_; }

  /* Row r of all images' rows, [w, k], in the worker's memory. */
  const float* row(int worker, int64_t r) const {
    float* mixed = pixel(worker) + k_;
    const Tap tap = down[r % out_h_];
    const float* image = logits_ + r / out_h_ * h_ * w_ * k_;
    const float *top = image + tap.low * w_ * k_, *bottom = image + tap.high * w_ * k_;
    for (int64_t i = 0; i < w_ * k_; ++i) mixed[i] = mix(top[i], bottom[i], tap.t);
    return mixed;
  }

  /* Pixel x of a row into z, [k]. */
  void at(const float* row, int64_t x, float* z) const {
    const Tap tap = across[x];
    const float *left = row + tap.low * k_, *right = row + tap.high * k_;
    for (int64_t c = 0; c < k_; ++c) z[c] = mix(left[c], right[c], tap.t);
  }

 private:
  const float* logits_;
  int64_t h_, w_, k_, out_h_;
  Scratch<Tap> rows_, columns_;
  Scratch<float> space_;
  float* work_;
};

/* z becomes exp(z - its largest); returns their sum and puts the largest in *largest. */
float exponentials(float* z, int64_t k, float* largest) {
  float top = z[0], sum = 0;
  for (int64_t c = 1; c < k; ++c) top = z[c] > top ? z[c] : top;
  for (int64_t c = 0; c < k; ++c) sum += z[c] = __builtin_expf(z[c] - top);
  *largest = top;
  return sum;
}

int64_t labelled_pixels(const uint8_t* labels, int64_t pixels, int64_t k) {
  const int64_t blocks = block_count(pixels, kStreamGrain);
  Scratch<int64_t> part(blocks);
  int64_t* parts = part.get();
  parallel_for(blocks, [=](int64_t block) {
    int64_t count = 0;
    for (int64_t p = block * kStreamGrain; p < lesser((block + 1) * kStreamGrain, pixels); ++p)
      count += labels[p] < k ? 1 : 0;
    parts[block] = count;
  });
  int64_t total = 0;
  for (int64_t block = 0; block < blocks; ++block) total += parts[block];
  return total;
}

}  // namespace

void pixel_cross_entropy(const float* logits, const uint8_t* labels, int64_t n, int64_t h,
                         int64_t w, int64_t k, int64_t out_h, int64_t out_w, float* loss,
                         float* d_logits) {
  const int64_t length = w * k;
  const int64_t labelled = labelled_pixels(labels, n * out_h * out_w, k);
  const float share = labelled > 0 ? 1.0f / static_cast<float>(labelled) : 0.0f;
  const Resized resized(logits, h, w, k, out_h, out_w);
  Scratch<double> part(out_h);
  /* The gradient of one image's resized rows, at the scores' columns. */
  Scratch<float> row_gradient(d_logits ? out_h * length : 0);
  double* parts = part.get();
  float* d_rows = row_gradient.get();
  double total = 0;
  for (int64_t image = 0; image < n; ++image) {
    parallel_workers(out_h, [&](int worker, int64_t y) {
      const float* row = resized.row(worker, image * out_h + y);
      const uint8_t* label = labels + (image * out_h + y) * out_w;
      float *z = resized.pixel(worker), *d_row = d_logits ? d_rows + y * length : nullptr;
      for (int64_t i = 0; d_row && i < length; ++i) d_row[i] = 0;
      double sum = 0;
      for (int64_t x = 0; x < out_w; ++x) {
        if (label[x] >= k) continue;
        resized.at(row, x, z);
        const float own = z[label[x]];
        float largest;
        const float whole = exponentials(z, k, &largest);
        sum += __builtin_log(static_cast<double>(whole)) - static_cast<double>(own - largest);
        if (!d_row) continue;
        const float inverse = 1.0f / whole;
        for (int64_t c = 0; c < k; ++c) z[c] *= inverse;
        z[label[x]] -= 1.0f;
        const Tap tap = resized.across[x];
        const float high = tap.t, low = 1.0f - tap.t;
        float *left = d_row + tap.low * k, *right = d_row + tap.high * k;
        for (int64_t c = 0; c < k; ++c) left[c] += low * z[c];
        for (int64_t c = 0; c < k; ++c) right[c] += high * z[c];
      }
      parts[y] = sum;
    });
    for (int64_t y = 0; y < out_h; ++y) total += parts[y];
    if (!d_logits) continue;
    /* Each task gathers one row of the scores from the rows that read it, in ascending order. */
    parallel_for(h, [&](int64_t y) {
      float* to = d_logits + (image * h + y) * length;
      for (int64_t i = 0; i < length; ++i) to[i] = 0;
      for (int64_t from = 0; from < out_h && resized.down[from].low <= y; ++from) {
        const Tap tap = resized.down[from];
        if (tap.low != y && tap.high != y) continue;
        const float weight =
            share * ((tap.low == y ? 1 - tap.t : 0.0f) + (tap.high == y ? tap.t : 0.0f));
        const float* d_row = d_rows + from * length;
        for (int64_t i = 0; i < length; ++i) to[i] += weight * d_row[i];
      }
    });
  }
  *loss = labelled > 0 ? static_cast<float>(total / static_cast<double>(labelled)) : 0.0f;
}

void add_probabilities(const float* logits, int64_t n, int64_t h, int64_t w, int64_t k,
                       int64_t out_h, int64_t out_w, float* probabilities) {
  const Resized resized(logits, h, w, k, out_h, out_w);
  parallel_workers(n * out_h, [&](int worker, int64_t r) {
    const float* row = resized.row(worker, r);
    float* z = resized.pixel(worker);
    for (int64_t x = 0; x < out_w; ++x) {
      float* to = probabilities + (r * out_w + x) * k;
      float largest;
      resized.at(row, x, z);
      const float inverse = 1.0f / exponentials(z, k, &largest);
      for (int64_t c = 0; c < k; ++c) to[c] += z[c] * inverse;
    }
  });
}

void argmax_logits(const float* logits, int64_t n, int64_t h, int64_t w, int64_t k, int64_t out_h,
                   int64_t out_w, int32_t* labels) {
  const Resized resized(logits, h, w, k, out_h, out_w);
  parallel_workers(n * out_h, [&](int worker, int64_t r) {
    const float* row = resized.row(worker, r);
    float* z = resized.pixel(worker);
    for (int64_t x = 0; x < out_w; ++x) {
      resized.at(row, x, z);
      float best = -__builtin_inff();
      int32_t winner = 0;
      for (int64_t c = 0; c < k; ++c) {
        winner = z[c] > best ? static_cast<int32_t>(c) : winner;
        best = z[c] > best ? z[c] : best;
      }
      labels[r * out_w + x] = winner;
    }
  });
}

namespace {
/* The number of an index under a key: splitmix64, as dev.wisp.common.CounterRandom has it. */
inline uint64_t bits(uint64_t key, uint64_t index) {
  uint64_t s = key + (index + 1) * 0x9E3779B97F4A7C15u;
  s = (s ^ (s >> 30)) * 0xBF58476D1CE4E5B9u;
  s = (s ^ (s >> 27)) * 0x94D049BB133111EBu;
  return s ^ (s >> 31);
}
}  // namespace

void dropout(const float* x, int64_t n, int64_t key, int64_t first, int64_t dropped, float scale,
             float* out) {
  parallel_ranges(n, kStreamGrain, [=](int64_t begin, int64_t end) {
    const uint64_t start = static_cast<uint64_t>(first);
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t number = bits(static_cast<uint64_t>(key), start + static_cast<uint64_t>(i));
      out[i] = static_cast<int64_t>(number >> 40) >= dropped ? x[i] * scale : 0.0f;
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
