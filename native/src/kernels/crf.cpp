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

/* Working space of mean-field steps, [pixels, width] each but for the lattices' rows. */
struct Space {
  Scratch<float> scaled, message, work, other;

  Space(int64_t pixels, int64_t rows, int64_t width)
      : scaled(pixels * width), message(pixels * width), work(rows * width), other(rows * width) {}
};

/* A lattice with symmetric normalisation: message n K (n Q), n = 1 / sqrt(K 1 + 1e-20). */
class Pairwise {
 public:
  Pairwise(const float* image, int64_t h, int64_t w, float spatial, float colour)
      : pixels_(h * w), lattice_(image, h, w, spatial, colour), norm_(pixels_) {}

  int64_t rows() const { return lattice_.rows(); }

  void normalize(Space& space) {
    constexpr int64_t width = 4;
    float* norm = norm_.get();
    float* ones = space.scaled.get();
    const float* sums = space.message.get();
    parallel_ranges(pixels_ * width, kStreamGrain, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ones[i] = 1;
    });
    lattice_.filter(ones, space.message.get(), width, space.work.get(), space.other.get());
    parallel_ranges(pixels_, kPixelGrain, [=](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        norm[p] = 1.0f / __builtin_sqrtf(sums[p * width] + 1e-20f);
    });
  }

  /* logits += compat n K (n q) */
  void add_message(const float* q, float compat, int64_t width, Space& space, float* logits) {
    const float* norm = norm_.get();
    float* scaled = space.scaled.get();
    const float* message = space.message.get();
    parallel_ranges(pixels_, kPixelGrain, [=](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        for (int64_t c = 0; c < width; ++c) scaled[p * width + c] = norm[p] * q[p * width + c];
    });
    lattice_.filter(scaled, space.message.get(), width, space.work.get(), space.other.get());
    parallel_ranges(pixels_, kPixelGrain, [=](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p)
        for (int64_t c = 0; c < width; ++c)
          logits[p * width + c] += compat * (norm[p] * message[p * width + c]);
    });
  }

 private:
  int64_t pixels_;
  Lattice lattice_;
  Scratch<float> norm_;
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
  lattice.filter(rows.get(), filtered.get(), width, work.get(), other.get());
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
    Space space(pixels, rows, width);
    gaussian.normalize(space);
    bilateral.normalize(space);
    float* next = logits.get();
    for (int64_t step = 0; step < steps; ++step) {
      parallel_ranges(pixels * width, kStreamGrain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) next[i] = first[i];
      });
      gaussian.add_message(now.get(), gaussian_compat, width, space, next);
      bilateral.add_message(now.get(), bilateral_compat, width, space, next);
      softmax(next, labels, pixels, width, now.get());
    }
  }
  separate(now.get(), labels, pixels, width, q);
}

}  // namespace WISP_TIER
}  // namespace wisp
