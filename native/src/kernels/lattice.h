/*
 * The permutohedral lattice of a grid of pixels (Adams, Baek, Davis, Eurographics 2010), as a filter
 * that sums over all pixels with an approximate Gaussian of their features.
 *
 * Features are x / spatial, y / spatial and, with an image, its channels / colour. Which vertices
 * exist decides the result, so the geometry is float32 in a stated order of operations: every
 * implementation that follows it finds the same vertices (locate in lattice.cpp).
 */
#ifndef WISP_KERNELS_LATTICE_H
#define WISP_KERNELS_LATTICE_H

#include "scratch.h"

namespace wisp {
namespace WISP_TIER {

/* Memory whose size is known late, freed with its owner. */
template <class T>
class Late {
 public:
  Late() = default;
  ~Late() { free_aligned(data_); }
  Late(const Late&) = delete;
  Late& operator=(const Late&) = delete;

  /* Once. Throws std::bad_alloc. */
  T* allocate(int64_t n) {
    data_ = static_cast<T*>(allocate_aligned(n * (int64_t)sizeof(T)));
    return data_;
  }
  /* Takes over the other's memory and gives it its own. */
  void swap(Late& other) {
    T* mine = data_;
    data_ = other.data_;
    other.data_ = mine;
  }
  T* get() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

class Lattice {
 public:
  /* image [h, w, 3] or null; 6 (h w + 1) < 2^31. Throws std::bad_alloc. */
  Lattice(const float* image, int64_t h, int64_t w, float spatial, float colour);

  /* Vertices, and before them a row that is always zero. */
  int64_t rows() const { return rows_; }

  /*
   * out (out, [pixels, width]) = base + factor * the filter of values (in, [pixels, width]). base
   * (in, [pixels, width]) is null for none, or out itself. width is a multiple of 4; both work
   * arrays hold rows() * width floats.
   */
  void filter(const float* values, const float* base, float factor, float* out, int64_t width,
              float* work, float* other) const;

  /* From now on values and results of each pixel are multiplied by its norm (in, [pixels]). */
  void normalize(const float* norm);

 private:
  void sort_corners();

  int64_t pixels_, rows_ = 0;
  int corners_;            /* of a simplex: dimensions + 1 */
  Late<int32_t> vertex_;   /* [pixels, corners] row of a corner */
  Late<float> weight_;     /* [pixels, corners] its barycentric weight */
  Late<int32_t> begin_;    /* [rows + 1] where a row's corners begin in pixel_ and share_ */
  Late<int32_t> pixel_;    /* [pixels * corners] pixel of a corner, by row, then by pixel */
  Late<float> share_;      /* [pixels * corners] its weight, in the same order */
  Late<int32_t> neighbour_; /* [corners, rows, 2] rows beside a row along an axis; 0 for none */
};

}  // namespace WISP_TIER
}  // namespace wisp

#endif
