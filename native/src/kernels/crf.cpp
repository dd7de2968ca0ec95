#include "kernels.h"
#include "kernels/lattice.h"
#include "parallel.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

constexpr int64_t kPixelGrain = 1024;

/* Channels a filter of so many takes: a multiple of 4. */
int64_t padded(int64_t channels) { return (channels + 3) / 4 * 4; }

/* [channels, pixels] to [pixels, width], zeros behind the channels. */
void interleave(const float* planes, int64_t channels, int64_t pixels, int64_t width, float* out) {
  parallel_ranges(pixels, kPixelGrain, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t c = 0; c < width; ++c)
        out[p * width + c] = c < channels ? planes[c * pixels + p] : 0.0f;
  });
}

void separate(const float* rows, int64_t channels, int64_t pixels, int64_t width, float* out) {
  parallel_ranges(pixels, kPixelGrain, [=](int64_t begin, int64_t end) {
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = begin; p < end; ++p) out[c * pixels + p] = rows[p * width + c];
  });
}

/* q = softmax over the labels of each pixel; columns behind the labels become 0. */
void softmax(const float* logits, int64_t labels, int64_t pixels, int64_t width, float* q) {
  parallel_ranges(pixels, kPixelGrain, [=](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = logits + p * width;
      float* to = q + p * width;
      float largest = from[0], sum = 0;
      for (int64_t k = 1; k < labels; ++k) largest = from[k] > largest ? from[k] : largest;
      for (int64_t k = 0; k < labels; ++k) sum += to[k] = __builtin_expf(from[k] - largest);
      for (int64_t k = 0; k < labels; ++k) to[k] /= sum;
      for (int64_t k = labels; k < width; ++k) to[k] = 0;
    }
  });
}

/* Working space of filters, [rows, width] each. */
struct Space {
  Scratch<float> work, other;

  Space(int64_t rows, int64_t width) : work(rows * width), other(rows * width) {}
};

/* A lattice with symmetric normalisation: message n K (n Q), n = 1 / sqrt(K 1 + 1e-20). */
class Pairwise {
 public:
  Pairwise(const float* image, int64_t h, int64_t w, float spatial, float colour)
      : pixels_(h * w), lattice_(image, h, w, spatial, colour) {}

  int64_t rows() const { return lattice_.rows(); }

  /* Before any message. */
  void normalize(Space& space) {
    constexpr int64_t width = 4;
    Scratch<float> ones(pixels_ * width), sums(pixels_ * width), norm(pixels_);
    parallel_ranges(pixels_ * width, kStreamGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ones[i] = 1;
    });
    lattice_.filter(ones.get(), nullptr, 1, sums.get(), width, space.work.get(),
                    space.other.get());
    parallel_ranges(pixels_, kPixelGrain, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        norm[p] = 1.0f / __builtin_sqrtf(sums[p * width] + 1e-20f);
    });
    lattice_.normalize(norm.get());
  }

  /* logits = base + compat n K (n q); base may be logits */
  void add_message(const float* q, const float* base, float compat, int64_t width, Space& space,
                   float* logits) const {
    lattice_.filter(q, base, compat, logits, width, space.work.get(), space.other.get());
  }

 private:
  int64_t pixels_;
  Lattice lattice_;
};

}  // namespace

void lattice_filter(const float* image, int64_t h, int64_t w, float spatial, float colour,
                    const float* values, int64_t channels, float* out) {
  const int64_t pixels = h * w, width = padded(channels);
  if (pixels * channels == 0) return;
  const Lattice lattice(image, h, w, spatial, colour);
  Scratch<float> rows(pixels * width), filtered(pixels * width);
  Scratch<float> work(lattice.rows() * width), other(lattice.rows() * width);
  interleave(values, channels, pixels, width, rows.get());
  lattice.filter(rows.get(), nullptr, 1, filtered.get(), width, work.get(), other.get());
  separate(filtered.get(), channels, pixels, width, out);
}

void dense_crf(const float* unary, const float* image, int64_t labels, int64_t h, int64_t w,
               int64_t steps, float gaussian_spatial, float gaussian_compat,
               float bilateral_spatial, float bilateral_colour, float bilateral_compat, float* q) {
  const int64_t pixels = h * w, width = padded(labels);
  if (pixels * labels == 0) return;
  Scratch<float> start(pixels * width), logits(pixels * width), now(pixels * width);
  interleave(unary, labels, pixels, width, start.get());
  float* first = start.get();
  parallel_ranges(pixels * width, kStreamGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) first[i] = -first[i];
  });
  softmax(start.get(), labels, pixels, width, now.get());
  if (steps > 0) {
    Pairwise gaussian(nullptr, h, w, gaussian_spatial, 1);
    Pairwise bilateral(image, h, w, bilateral_spatial, bilateral_colour);
    const int64_t rows = gaussian.rows() > bilateral.rows() ? gaussian.rows() : bilateral.rows();
    Space space(rows, width);
    gaussian.normalize(space);
    bilateral.normalize(space);
    float* next = logits.get();
    for (int64_t step = 0; step < steps; ++step) {
      gaussian.add_message(now.get(), first, gaussian_compat, width, space, next);
      bilateral.add_message(now.get(), next, bilateral_compat, width, space, next);
      softmax(next, labels, pixels, width, now.get());
    }
  }
  separate(now.get(), labels, pixels, width, q);
}

}  // namespace WISP_TIER
}  // namespace wisp
