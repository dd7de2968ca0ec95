/*
 * Structure analysis (SIPE, section 3.2) without the positions x positions matrix of cosines, in
 * the manner of flash attention: positions are cut into panels, the cosines of two panels are
 * computed into a small tile, and the tile is used at once for the sums of both panels, since
 * S is symmetric. Per image: n(n+1)/2 panel pairs, 2 * kPanel^2 * d operations each; bound by
 * multiply-adds, since a panel pair reads 2 * kPanel * d floats.
 */
#include "kernels.h"
#include "parallel.h"
#include "scratch.h"
#include "simd.h"

namespace wisp {
namespace WISP_TIER {
namespace {

/* Block of cosines held in registers: kRows x kVectors vectors leave room for the operands. */
constexpr int kRows = kLanes == 16 ? 8 : 6;
constexpr int kVectors = kLanes == 16 ? 3 : 2;

/* Positions of a panel: a multiple of every tier's block; a tile of cosines is 9 KB. */
constexpr int kPanel = 48;
static_assert(kPanel % kRows == 0 && kPanel % (kVectors * kLanes) == 0, "blocks cover a panel");

/* Classes summed together: kGroup x kSumVectors independent sums. */
constexpr int kGroup = 4;
constexpr int kSumVectors = kLanes == 16 ? 3 : 2;

/*
 * The pairs of an image are cut into at most this many runs, each with sums of its own that are
 * added in order: equal bits for any number of threads. Fewer when the sums of all runs would need
 * more than kSumBytes.
 */
constexpr int64_t kRuns = 32;
constexpr int64_t kSumBytes = int64_t(32) << 20;

struct Image {
  const float* units; /* [panels][d][kPanel]: f / (|f| + eps) */
  const float* maps;  /* [classes, width]: maps, then a row of ones whose sum is sum_j S_ij */
  int64_t d, classes, panels, width;
};

/* 1 / (|f| + eps) */
float unit_scale(const float* f, int64_t d, float eps) {
  vf squares{};
  for (int64_t c = 0; c < d; c += kLanes) {
    const vf v = load_part(f + c, lesser(kLanes, d - c));
    squares = fma(v, v, squares);
  }
  return 1.0f / (__builtin_sqrtf(sum(squares)) + eps);
}

/* Positions [first, first + count) as one panel, channel by channel; the rest of it zero. */
void pack_panel(const float* feature, int64_t count, int64_t d, float eps, float* panel) {
  constexpr int64_t kChannels = 16; /* one cache line of each position at a time */
  float scale[kPanel];
  for (int64_t i = 0; i < count; ++i) scale[i] = unit_scale(feature + i * d, d, eps);
  for (int64_t c = 0; c < d; c += kChannels) {
    const int64_t channels = lesser(kChannels, d - c);
    for (int64_t i = 0; i < kPanel; ++i) {
      for (int64_t k = 0; k < channels; ++k) {
        panel[(c + k) * kPanel + i] = i < count ? feature[i * d + c + k] * scale[i] : 0.0f;
      }
    }
  }
}

/* tile[i][j] = relu(a_i . b_j) for kRows rows and kVectors vectors; sums over d in order. */
inline void cosines_block(const float* a, const float* b, int64_t d, float* tile) {
  vf sums[kRows][kVectors];
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) sums[i][v] = vf{};
  for (int64_t c = 0; c < d; ++c) {
    vf right[kVectors];
    for (int v = 0; v < kVectors; ++v) right[v] = load(b + c * kPanel + v * kLanes);
    for (int i = 0; i < kRows; ++i) {
      const vf left = splat(a[c * kPanel + i]);
      for (int v = 0; v < kVectors; ++v) sums[i][v] = fma(left, right[v], sums[i][v]);
    }
  }
  const vf zero{};
  for (int i = 0; i < kRows; ++i)
    for (int v = 0; v < kVectors; ++v) {
      store(tile + i * kPanel + v * kLanes, sums[i][v] <= zero ? zero : sums[i][v]);
    }
}

void cosines(const float* a, const float* b, int64_t d, float* tile) {
  for (int i = 0; i < kPanel; i += kRows)
    for (int j = 0; j < kPanel; j += kVectors * kLanes)
      cosines_block(a + i, b + j, d, tile + i * kPanel + j);
}

/* sums[k][j] += sum_i maps[k][i] * tile[i][j] for G classes and kSumVectors vectors. */
template <int G>
inline void add_block(const float* tile, const float* maps, float* sums, int64_t width) {
  vf part[G][kSumVectors];
  for (int k = 0; k < G; ++k)
    for (int v = 0; v < kSumVectors; ++v) part[k][v] = vf{};
  for (int i = 0; i < kPanel; ++i) {
    vf row[kSumVectors];
    for (int v = 0; v < kSumVectors; ++v) row[v] = load(tile + i * kPanel + v * kLanes);
    for (int k = 0; k < G; ++k) {
      const vf map = splat(maps[k * width + i]);
      for (int v = 0; v < kSumVectors; ++v) part[k][v] = fma(map, row[v], part[k][v]);
    }
  }
  for (int k = 0; k < G; ++k)
    for (int v = 0; v < kSumVectors; ++v) {
      float* at = sums + k * width + v * kLanes;
      store(at, load(at) + part[k][v]);
    }
}

/* Adds a tile's rows, weighted with the maps at the rows' positions, to the columns' sums. */
void add_tile(const Image& s, const float* tile, int64_t row_panel, int64_t col_panel,
              float* sums) {
  for (int64_t k = 0; k < s.classes; k += kGroup) {
    const float* maps = s.maps + k * s.width + row_panel * kPanel;
    float* target = sums + k * s.width + col_panel * kPanel;
    for (int j = 0; j < kPanel; j += kSumVectors * kLanes) {
      switch (lesser(kGroup, s.classes - k)) {
        case 4: add_block<4>(tile + j, maps, target + j, s.width); break;
        case 3: add_block<3>(tile + j, maps, target + j, s.width); break;
        case 2: add_block<2>(tile + j, maps, target + j, s.width); break;
        default: add_block<1>(tile + j, maps, target + j, s.width); break;
      }
    }
  }
}

void transpose(const float* tile, float* turned) {
  constexpr int kBlock = 4;
  for (int i = 0; i < kPanel; i += kBlock)
    for (int j = 0; j < kPanel; j += kBlock)
      for (int a = 0; a < kBlock; ++a)
        for (int b = 0; b < kBlock; ++b)
          turned[(j + b) * kPanel + i + a] = tile[(i + a) * kPanel + j + b];
}

/* Pairs [begin, end) of the row-major list of panel pairs p <= q. */
void run_pairs(const Image& s, int64_t begin, int64_t end, float* sums) {
  for (int64_t i = 0; i < s.classes * s.width; ++i) sums[i] = 0.0f;
  int64_t p = 0, q = begin;
  while (q >= s.panels - p) {
    q -= s.panels - p;
    ++p;
  }
  q += p;
  alignas(64) float tile[kPanel * kPanel], turned[kPanel * kPanel];
  const int64_t panel = s.d * kPanel;
  for (int64_t pair = begin; pair < end; ++pair) {
    cosines(s.units + p * panel, s.units + q * panel, s.d, tile);
    add_tile(s, tile, p, q, sums);
    if (p != q) {
      transpose(tile, turned);
      add_tile(s, turned, q, p, sums);
    }
    if (++q == s.panels) q = ++p;
  }
}

/* A NaN is the largest of all, the first one stays. */
inline bool beats(float value, float best) {
  return value > best || (value != value && best == best);
}

struct Choice {
  const int32_t* ids; /* class of each row of the image; the row of ones has none */
  int64_t rows;
  const float* mass;  /* sum_j M_kj */
  const bool* allowed;
  int32_t absent;     /* the first class without a row, or -1 */
  const float* valid; /* of the image, or null */
  int32_t* seeds;
  float* iou; /* of the image, or null */
  int64_t positions;
};

/* Seeds of the positions of one panel from the sums in sums[k][position]. */
void choose(const Choice& c, const float* sums, int64_t width, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float total = sums[c.rows * width + i];
    int32_t winner = -1;
    float best = 0;
    bool absent_pending = c.absent >= 0;
    /* All classes without a row are equal, so the first of them speaks for all. */
    for (int64_t k = 0; k <= c.rows; ++k) {
      if (absent_pending && (k == c.rows || c.ids[k] > c.absent)) {
        absent_pending = false;
        const float value = 0.0f / total;
        if (winner < 0 || beats(value, best)) {
          winner = c.absent;
          best = value;
        }
      }
      if (k == c.rows) break;
      const float inter = sums[k * width + i];
      const float ratio = inter / (total + c.mass[k] - inter);
      const float value = c.ids[k] == 0 ? 0.5f * ratio : ratio;
      if (c.iou != nullptr) c.iou[k * c.positions + i] = value;
      if (winner < 0 || beats(value, best)) {
        winner = c.ids[k];
        best = value;
      }
    }
    const bool kept =
        winner >= 0 && c.allowed[winner] && (c.valid == nullptr || c.valid[i] != 0.0f);
    c.seeds[i] = kept ? winner : -1;
  }
}

}  // namespace

void structure_seeds(const float* feature, int64_t n, int64_t positions, int64_t d,
                     const float* maps, const int32_t* offsets, const int32_t* ids,
                     const int32_t* present_offsets, const int32_t* present_ids, int32_t total,
                     const float* valid, float eps, int32_t* seeds, float* iou) {
  if (n == 0 || positions == 0) return;
  const int64_t panels = block_count(positions, kPanel), width = panels * kPanel;
  const int64_t pairs = panels * (panels + 1) / 2;
  int64_t most = 0;
  for (int64_t b = 0; b < n; ++b) {
    const int64_t rows = offsets[b + 1] - offsets[b];
    most = rows > most ? rows : most;
  }
  const int64_t sum_floats = (most + 1) * width;
  int64_t runs = lesser(lesser(kRuns, pairs), kSumBytes / (sum_floats * 4));
  runs = runs < 1 ? 1 : runs;
  Scratch<float> units(panels * d * kPanel), padded(sum_floats), sums(runs * sum_floats);
  Scratch<float> mass(most + 1);
  Scratch<bool> allowed(total);
  for (int64_t b = 0; b < n; ++b) {
    const int64_t rows = offsets[b + 1] - offsets[b], first = offsets[b] * positions;
    for (int32_t id = 0; id < total; ++id) allowed[id] = false;
    for (int32_t k = present_offsets[b]; k < present_offsets[b + 1]; ++k) {
      allowed[present_ids[k]] = true;
    }
    int32_t absent = -1;
    for (int32_t id = 0, k = 0; id < total && absent < 0; ++id) {
      if (k < rows && ids[offsets[b] + k] == id) {
        ++k;
      } else {
        absent = id;
      }
    }
    parallel_for(panels, [&](int64_t p) {
      const int64_t begin = p * kPanel, count = lesser(kPanel, positions - begin);
      pack_panel(feature + (b * positions + begin) * d, count, d, eps, &units[p * d * kPanel]);
    });
    parallel_for(rows + 1, [&](int64_t k) {
      float* row = &padded[k * width];
      double whole = 0;
      for (int64_t i = 0; i < positions; ++i) {
        row[i] = k == rows ? 1.0f : maps[first + k * positions + i];
        whole += static_cast<double>(row[i]);
      }
      for (int64_t i = positions; i < width; ++i) row[i] = 0.0f;
      mass[k] = static_cast<float>(whole);
    });
    const Image image{units.get(), padded.get(), d, rows + 1, panels, width};
    parallel_for(runs, [&](int64_t run) {
      run_pairs(image, run * pairs / runs, (run + 1) * pairs / runs, &sums[run * sum_floats]);
    });
    const Choice choice{ids + offsets[b],
                        rows,
                        mass.get(),
                        allowed.get(),
                        absent,
                        valid == nullptr ? nullptr : valid + b * positions,
                        seeds + b * positions,
                        iou == nullptr ? nullptr : iou + first,
                        positions};
    parallel_for(panels, [&](int64_t p) {
      for (int64_t run = 1; run < runs; ++run)
        for (int64_t k = 0; k <= rows; ++k) {
          const float* part = &sums[run * sum_floats + k * width + p * kPanel];
          float* whole = &sums[k * width + p * kPanel];
          for (int j = 0; j < kPanel; ++j) whole[j] += part[j];
        }
      choose(choice, sums.get(), width, p * kPanel, lesser((p + 1) * kPanel, positions));
    });
  }
}

}  // namespace WISP_TIER
}  // namespace wisp
