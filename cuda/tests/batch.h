/* Images with the classes their rows of maps belong to, for the kernels that have such rows. */
#ifndef WISP_CUDA_TESTS_BATCH_H
#define WISP_CUDA_TESTS_BATCH_H

#include <algorithm>
#include <numeric>

#include "check.h"

struct Batch {
  long long positions, d;
  Ints offsets{0}, ids;

  /* The classes of each image, ascending. */
  Batch(long long positions_of_image, long long channels, const std::vector<Ints>& classes)
      : positions(positions_of_image), d(channels) {
    for (const Ints& own : classes) {
      ids.insert(ids.end(), own.begin(), own.end());
      offsets.push_back(static_cast<int>(ids.size()));
    }
  }

  static Ints all(int total) {
    Ints classes(total);
    std::iota(classes.begin(), classes.end(), 0);
    return classes;
  }

  long long n() const { return static_cast<long long>(offsets.size()) - 1; }
  long long rows() const { return offsets.back(); }

  /* The row of a class in an image, or -1. */
  int row(long long image, int id) const {
    for (int row = offsets[image]; row < offsets[image + 1]; ++row)
      if (ids[row] == id) return row;
    return -1;
  }

  /* -1, ids with rows in some image or other, and one that no image has. */
  Ints random_seeds() const {
    Ints seeds(n() * positions);
    for (int& seed : seeds) {
      const size_t pick = generator()() % (ids.size() + 2);
      seed = pick < ids.size() ? ids[pick] : pick == ids.size() ? -1 : 1000;
    }
    return seeds;
  }

  std::string text(const std::string& what) const {
    return what + " " + std::to_string(n()) + "x" + std::to_string(positions) + "x" +
           std::to_string(d) + ", " + std::to_string(rows()) + " rows";
  }
};

#endif
