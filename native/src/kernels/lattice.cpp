#include "kernels/lattice.h"

#include <cstddef>

#include "kernels.h"
#include "parallel.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

constexpr int kMostDimensions = 5;
constexpr int kMostCorners = kMostDimensions + 1;
constexpr int64_t kPixelGrain = 1024;
constexpr int64_t kRowGrain = 2048;

/* Features beyond it are brought back to it: larger ones leave the lattice's integers. */
constexpr float kFarthest = 16777216.0f;

/* NaN becomes the least. */
inline float bounded(float feature) {
  return feature >= -kFarthest ? (feature <= kFarthest ? feature : kFarthest) : -kFarthest;
}

/* Four channels: what a filter handles at once. */
typedef float Four __attribute__((vector_size(16)));

inline Four load_four(const float* p) {
  Four v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store_four(float* p, Four v) { __builtin_memcpy(p, &v, sizeof v); }

/* The simplex around a point: its vertex of remainder 0, and the order of the residuals. */
struct Simplex {
  int32_t base[kMostCorners];
  int32_t rank[kMostCorners];
  float weight[kMostCorners + 1];
};

/* Scales of the features, for a blur of unit deviation; float32 after double. */
struct Scales {
  int dimensions;
  float inverse; /* 1 / (d + 1) */
  float axis[kMostDimensions];

  explicit Scales(int d) : dimensions(d), inverse(1.0f / static_cast<float>(d + 1)) {
    const float deviation = static_cast<float>(__builtin_sqrt(2.0 / 3.0) * (d + 1));
    for (int i = 0; i < d; ++i)
      axis[i] = static_cast<float>(1.0 / __builtin_sqrt((i + 1.0) * (i + 2.0)) *
                                   static_cast<double>(deviation));
  }
};

/*
 * Finds the simplex, every operation in float32 as written. Of two equal residuals the one of the
 * higher index has the larger rank.
 */
void locate(const Scales& scales, const float* feature, Simplex& s) {
  const int d = scales.dimensions;
  float elevated[kMostCorners], sum = 0;
  for (int j = d; j > 0; --j) {
    const float part = feature[j - 1] * scales.axis[j - 1];
    elevated[j] = sum - static_cast<float>(j) * part;
    sum = sum + part;
  }
  elevated[0] = sum;
  int excess = 0;
  float residual[kMostCorners];
  for (int i = 0; i <= d; ++i) {
    const int nearest = static_cast<int>(__builtin_rintf(elevated[i] * scales.inverse));
    s.base[i] = nearest * (d + 1);
    s.rank[i] = 0;
    residual[i] = elevated[i] - static_cast<float>(s.base[i]);
    excess += nearest;
  }
  for (int i = 0; i < d; ++i)
    for (int j = i + 1; j <= d; ++j) ++s.rank[residual[i] < residual[j] ? i : j];
  for (int i = 0; i <= d; ++i) {
    s.rank[i] += excess;
    if (s.rank[i] < 0) {
      s.rank[i] += d + 1;
      s.base[i] += d + 1;
    } else if (s.rank[i] > d) {
      s.rank[i] -= d + 1;
      s.base[i] -= d + 1;
    }
  }
  for (int i = 0; i <= d + 1; ++i) s.weight[i] = 0;
  for (int i = 0; i <= d; ++i) {
    const float v = (elevated[i] - static_cast<float>(s.base[i])) * scales.inverse;
    s.weight[d - s.rank[i]] += v;
    s.weight[d + 1 - s.rank[i]] -= v;
  }
  s.weight[0] += 1.0f + s.weight[d + 1];
}

/* Coordinates of a simplex's corner of remainder r; the last one follows from the others. */
inline void corner_key(const Simplex& s, int d, int r, int32_t* key) {
  for (int i = 0; i < d; ++i) key[i] = s.base[i] + (s.rank[i] <= d - r ? r : r - (d + 1));
}

inline bool same_corners(const Simplex& a, const Simplex& b, int d) {
  bool same = true;
  for (int i = 0; i <= d; ++i) same = same && a.base[i] == b.base[i] && a.rank[i] == b.rank[i];
  return same;
}

/* Numbers keys in the order of their first appearance, from 1. */
class Table {
 public:
  explicit Table(int dimensions) : dimensions_(dimensions) { reserve(1 << 14); }

  /* The key's number; a new one if it has none. Throws std::bad_alloc. */
  int32_t add(const int32_t* key) {
    if (2 * (count_ + 1) > slots_) reserve(2 * slots_);
    const int64_t slot = find(key);
    if (table_[slot] == 0) {
      ++count_;
      for (int i = 0; i < dimensions_; ++i) keys_[count_ * dimensions_ + i] = key[i];
      table_[slot] = static_cast<int32_t>(count_);
    }
    return table_[slot];
  }

  /* The key's number, 0 if it has none. */
  int32_t number(const int32_t* key) const { return table_[find(key)]; }

  int64_t count() const { return count_; }
  const int32_t* key(int64_t number) const { return keys_.get() + number * dimensions_; }

 private:
  int64_t find(const int32_t* key) const {
    uint64_t hash = 0;
    for (int i = 0; i < dimensions_; ++i)
      hash = (hash + static_cast<uint32_t>(key[i])) * 0x9E3779B97F4A7C15u;
    int64_t slot = static_cast<int64_t>(hash >> shift_);
    for (; table_[slot] != 0; slot = (slot + 1) & (slots_ - 1)) {
      const int32_t* other = keys_.get() + static_cast<int64_t>(table_[slot]) * dimensions_;
      bool same = true;
      for (int i = 0; i < dimensions_; ++i) same = same && other[i] == key[i];
      if (same) break;
    }
    return slot;
  }

  void reserve(int64_t slots) {
    Late<int32_t> table, keys;
    table.allocate(slots);
    keys.allocate((slots / 2 + 1) * dimensions_);
    __builtin_memset(table.get(), 0, static_cast<size_t>(slots) * sizeof(int32_t));
    if (count_ > 0)
      __builtin_memcpy(keys.get(), keys_.get(),
                       static_cast<size_t>((count_ + 1) * dimensions_) * sizeof(int32_t));
    else
      __builtin_memset(keys.get(), 0, static_cast<size_t>(dimensions_) * sizeof(int32_t));
    table_.swap(table);
    keys_.swap(keys);
    slots_ = slots;
    shift_ = 64 - __builtin_ctzll(static_cast<uint64_t>(slots));
    for (int64_t n = 1; n <= count_; ++n) table_[find(key(n))] = static_cast<int32_t>(n);
  }

  int dimensions_;
  int shift_ = 0;
  int64_t slots_ = 0, count_ = 0;
  Late<int32_t> table_; /* [slots] numbers, 0 where free */
  Late<int32_t> keys_;  /* [slots / 2 + 1, dimensions], the first unused */
};

}  // namespace

Lattice::Lattice(const float* image, int64_t h, int64_t w, float spatial, float colour)
    : pixels_(h * w), corners_(image == nullptr ? 3 : 6) {
  const int d = corners_ - 1;
  const Scales scales(d);
  const int64_t pixels = pixels_;
  int32_t* vertex = vertex_.allocate(pixels * corners_);
  float* weight = weight_.allocate(pixels * corners_);
  Scratch<Simplex> simplices(lesser(pixels, 64 * kPixelGrain));
  Table table(d);
  int32_t key[kMostDimensions];
  for (int64_t first = 0; first < pixels; first += 64 * kPixelGrain) {
    const int64_t count = lesser(pixels - first, 64 * kPixelGrain);
    parallel_ranges(count, kPixelGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t p = first + i;
        float feature[kMostDimensions];
        feature[0] = bounded(static_cast<float>(p % w) / spatial);
        feature[1] = bounded(static_cast<float>(p / w) / spatial);
        for (int c = 0; c < d - 2; ++c) feature[2 + c] = bounded(image[p * 3 + c] / colour);
        locate(scales, feature, simplices[i]);
        for (int r = 0; r <= d; ++r) weight[p * corners_ + r] = simplices[i].weight[r];
      }
    });
    for (int64_t i = 0; i < count; ++i) {
      int32_t* own = vertex + (first + i) * corners_;
      /* Pixels side by side often lie in one simplex. */
      if (i > 0 && same_corners(simplices[i], simplices[i - 1], d)) {
        for (int r = 0; r <= d; ++r) own[r] = own[r - corners_];
        continue;
      }
      for (int r = 0; r <= d; ++r) {
        corner_key(simplices[i], d, r, key);
        own[r] = table.add(key);
      }
    }
  }
  /*
   * pydensecrf works on four pixels at a time and fills the last four up with points at the origin:
   * they carry nothing, but their vertices take part in the blur.
   */
  if (pixels % 4 != 0) {
    const float origin[kMostDimensions] = {};
    locate(scales, origin, simplices[0]);
    for (int r = 0; r <= d; ++r) {
      corner_key(simplices[0], d, r, key);
      table.add(key);
    }
  }
  rows_ = table.count() + 1;
  int32_t* neighbour = neighbour_.allocate(corners_ * rows_ * 2);
  for (int axis = 0; axis <= d; ++axis) {
    int32_t* beside = neighbour + axis * rows_ * 2;
    parallel_ranges(2 * rows_, kRowGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) beside[i] = 0;
    });
    /* A row is below the one above it: each of the two is looked for once. */
    parallel_ranges(rows_ - 1, kRowGrain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin + 1; row < end + 1; ++row) {
        const int32_t* own = table.key(row);
        int32_t high[kMostDimensions];
        for (int i = 0; i < d; ++i) high[i] = own[i] + 1;
        if (axis < d) high[axis] = own[axis] - d;
        const int32_t above = table.number(high);
        beside[2 * row + 1] = above;
        if (above != 0) beside[2 * above] = static_cast<int32_t>(row);
      }
    });
  }
  sort_corners();
}

/* A counting sort: each row then sums its corners in the order of the pixels. */
void Lattice::sort_corners() {
  const int64_t all = pixels_ * corners_;
  int32_t* begin = begin_.allocate(rows_ + 1);
  int32_t* pixel = pixel_.allocate(all);
  float* share = share_.allocate(all);
  Scratch<int32_t> next(rows_ + 1);
  for (int64_t row = 0; row <= rows_; ++row) next[row] = 0;
  for (int64_t k = 0; k < all; ++k) ++next[vertex_[k]];
  int32_t sum = 0;
  for (int64_t row = 0; row <= rows_; ++row) {
    const int32_t count = next[row];
    begin[row] = next[row] = sum;
    sum += count;
  }
  for (int64_t p = 0; p < pixels_; ++p)
    for (int64_t k = p * corners_; k < (p + 1) * corners_; ++k) {
      const int32_t at = next[vertex_[k]]++;
      pixel[at] = static_cast<int32_t>(p);
      share[at] = weight_[k];
    }
}

void Lattice::normalize(const float* norm) {
  parallel_ranges(pixels_ * corners_, kPixelGrain, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      share_[k] *= norm[pixel_[k]];
      weight_[k] *= norm[k / corners_];
    }
  });
}

void Lattice::filter(const float* values, const float* base, float factor, float* out,
                     int64_t width, float* work, float* other) const {
  parallel_ranges(rows_, kRowGrain, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row)
      for (int64_t c = 0; c < width; c += 4) {
        Four sum{};
        for (int32_t at = begin_[row]; at < begin_[row + 1]; ++at)
          sum += share_[at] * load_four(values + pixel_[at] * width + c);
        store_four(work + row * width + c, sum);
      }
  });
  for (int axis = 0; axis < corners_; ++axis) {
    const int32_t* beside = neighbour_.get() + axis * rows_ * 2;
    const float* from = axis % 2 == 0 ? work : other;
    float* to = axis % 2 == 0 ? other : work;
    parallel_ranges(rows_, kRowGrain, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        for (int64_t c = 0; c < width; c += 4) {
          const Four low = load_four(from + beside[2 * row] * width + c);
          const Four high = load_four(from + beside[2 * row + 1] * width + c);
          const Four own = load_four(from + row * width + c);
          /* Row 0 stands for what is not there. */
          store_four(to + row * width + c, row == 0 ? Four{} : own + 0.5f * (low + high));
        }
    });
  }
  const float* blurred = corners_ % 2 == 0 ? work : other;
  const float share = factor / (1.0f + 1.0f / static_cast<float>(1 << (corners_ - 1)));
  parallel_ranges(pixels_, kPixelGrain, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      for (int64_t c = 0; c < width; c += 4) {
        Four sum{};
        for (int64_t k = p * corners_; k < (p + 1) * corners_; ++k)
          sum += weight_[k] * load_four(blurred + vertex_[k] * width + c);
        const Four from = base == nullptr ? Four{} : load_four(base + p * width + c);
        store_four(out + p * width + c, from + share * sum);
      }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
