/*
 * Weights of a convolution between row-major [o, i, taps] and the blocked orders in which the
 * convolutions want them. Everything is a transposition of 16 output channels by 16 columns, done in
 * registers: plain loops would touch one float a cache line on one of the two sides.
 */
#include "kernels/weights.h"

#include "kernels.h"
#include "parallel.h"
#include "simd.h"
#include "wisp.h"

namespace wisp {
namespace WISP_TIER {

namespace {

constexpr int64_t kTile = WISP_WEIGHT_TILE;

/* Lane l of the lower result is a[l], or b[l - half] where l has the bit `half`. */
template <int half>
inline vi low_lanes() {
  vi lanes{};
  for (int l = 0; l < kLanes; ++l) lanes[l] = l & half ? kLanes + l - half : l;
  return lanes;
}

template <int half>
inline vi high_lanes() {
  vi lanes{};
  for (int l = 0; l < kLanes; ++l) lanes[l] = l & half ? kLanes + l : l + half;
  return lanes;
}

/* Exchanges bit `half` of the row with the same bit of the lane, for every smaller bit too. */
template <int half>
inline void exchange(vf* rows) {
  const vi low = low_lanes<half>(), high = high_lanes<half>();
  for (int r = 0; r < kLanes; ++r) {
    if (r & half) continue;
    const vf a = rows[r], b = rows[r + half];
    rows[r] = __builtin_shuffle(a, b, low);
    rows[r + half] = __builtin_shuffle(a, b, high);
  }
  if constexpr (half > 1) exchange<half / 2>(rows);
}

/*
 * Transposes one tile: row r of the source, at from(r), becomes column r of the target, whose row c
 * is at to(c). Both give the address of 16 floats. Source row r is multiplied by scale[r] if given.
 */
template <class From, class To>
inline void transpose(const From& from, const float* scale, const To& to) {
  for (int64_t r0 = 0; r0 < kTile; r0 += kLanes) {
    for (int64_t c0 = 0; c0 < kTile; c0 += kLanes) {
      vf rows[kLanes];
      for (int r = 0; r < kLanes; ++r) rows[r] = load(from(r0 + r) + c0);
      if (scale)
        for (int r = 0; r < kLanes; ++r) rows[r] = rows[r] * splat(scale[r0 + r]);
      exchange<kLanes / 2>(rows);
      for (int c = 0; c < kLanes; ++c) store(to(c0 + c) + r0, rows[c]);
    }
  }
}

inline void zero_line(float* line) {
  for (int64_t l = 0; l < kTile; l += kLanes) store(line + l, vf{});
}

inline int64_t blocks_of(int64_t n, int64_t block) { return (n + block - 1) / block; }

/* Walks the columns of [i, taps] without a division per column. */
struct Column {
  int64_t taps, channel = 0, tap = 0;
  void next() {
    if (++tap == taps) {
      tap = 0;
      ++channel;
    }
  }
};

}  // namespace

/*
 * Both sides of a piece are read and written in long runs: a piece is one block of channels by some
 * channels of the other kind, so that a target block's lines are filled side by side.
 */
void pack_weights(const float* weight, const float* scale, float* packed, int64_t o, int64_t i,
                  int64_t taps, int64_t block) {
  const int64_t fan_in = i * taps;
  const int64_t channels = taps < kTile / 2 ? lesser(i, 8 * kTile) : kTile;
  const int64_t pieces = channels > 0 ? blocks_of(i, channels) : 0;
  parallel_for(blocks_of(o, block) * pieces, [=](int64_t piece) {
    const int64_t begin = piece / pieces * block, end = begin + block;
    float* base = packed + begin * fan_in;
    const int64_t i0 = piece % pieces * channels, i1 = lesser(i, i0 + channels);
    Column column{taps, i0};
    for (int64_t c0 = i0 * taps; c0 < i1 * taps; c0 += kTile) {
      float* lines[kTile];
      for (float*& line : lines) {
        line = base + (column.tap * i + column.channel) * block;
        column.next();
      }
      for (int64_t o0 = begin; o0 < end; o0 += kTile) {
        const auto line = [&](int64_t c) { return lines[c] + (o0 - begin); };
        if (o0 < o) {
          transpose([=](int64_t r) { return weight + (o0 + r) * fan_in + c0; },
                    scale ? scale + o0 : nullptr, line);
        } else { /* the padding of the last block */
          for (int64_t c = 0; c < kTile; ++c) zero_line(line(c));
        }
      }
    }
  });
}

void turn_weights(const float* packed, float* turned, int64_t o, int64_t i, int64_t taps,
                  int64_t from_block, int64_t to_block) {
  parallel_for(blocks_of(i, to_block) * taps, [=](int64_t piece) {
    const int64_t begin = piece / taps * to_block, end = begin + to_block, tap = piece % taps;
    float* base = turned + piece * o * to_block;
    for (int64_t block = 0; block < o; block += from_block) {
      const float* lines = packed + (block * taps + tap * from_block) * i;
      for (int64_t o0 = block; o0 < lesser(o, block + from_block); o0 += kTile) {
        for (int64_t i0 = begin; i0 < end; i0 += kTile) {
          const auto row = [=](int64_t c) { return base + (o0 + c) * to_block + (i0 - begin); };
          if (i0 < i) {
            transpose(
                [=](int64_t r) { return lines + (i0 + r) * from_block + (o0 - block); },
                nullptr, row);
          } else { /* the padding of the last block */
            for (int64_t c = 0; c < kTile; ++c) zero_line(row(c));
          }
        }
      }
    }
  });
}

void unpack_tiles(const float* tiles, float* weight, int64_t o, int64_t i, int64_t taps) {
  const int64_t fan_in = i * taps;
  parallel_for(o / kTile, [=](int64_t tile) {
    const float* base = tiles + tile * kTile * fan_in;
    float* rows = weight + tile * kTile * fan_in;
    Column column{taps};
    for (int64_t c0 = 0; c0 < fan_in; c0 += kTile) {
      const float* lines[kTile];
      for (const float*& line : lines) {
        const int64_t block = column.channel / kTile, k = column.channel % kTile;
        line = base + ((block * taps + column.tap) * kTile + k) * kTile;
        column.next();
      }
      transpose([&](int64_t r) { return lines[r]; }, nullptr,
                [=](int64_t c) { return rows + c * fan_in + c0; });
    }
  });
}

}  // namespace WISP_TIER
}  // namespace wisp
