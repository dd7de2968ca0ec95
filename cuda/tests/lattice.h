/* The permutohedral lattice's tables by an own search: what crf_lattice.cu must build. */
#ifndef WISP_CUDA_TESTS_LATTICE_H
#define WISP_CUDA_TESTS_LATTICE_H

#include "check.h"

struct Lattice {
  long long pixels, points;
  int corners;
  int rows = 1; /* row 0 stands for no vertex */
  Ints vertex;  /* [points, corners] */
  Floats weight; /* [pixels, corners] */
  Ints beside;   /* [corners, rows, 2] */
  Ints begin, pixel; /* lists of each row */
  Floats share;

  /* An empty image: positions alone. */
  Lattice(const Floats& image, long long h, long long w, float spatial, float colour);

  /* The filter of [pixels, channels] in double. */
  Doubles filter(const Doubles& values, int channels) const;

  /* Splatted values and what becomes of them along an axis, [rows, channels]. */
  Doubles splat(const Doubles& values, int channels) const;
  Doubles blur(const Doubles& from, int axis, int channels) const;
};

#endif
