/*
 * The permutohedral lattice of an image (Adams, Baek, Davis, Eurographics 2010), as pydensecrf
 * builds it: which vertices there are, their neighbours along each axis, and for each vertex the
 * pixels that it sums. Features are (x / spatial, y / spatial) and, with an image, its three
 * channels / colour: d = 2 or 5 dimensions. A pixel lies in a simplex of C = d + 1 corners. If the
 * pixels' number is no multiple of four, a point at the origin follows them whose vertices exist
 * too. The geometry is float32 in a fixed order, native/src/kernels/lattice.cpp's to the bit.
 *
 * Corner k = C p + r is the corner of remainder r of point p. Rows are vertices numbered from 1 in
 * the order of their first corner; row 0 stands for a vertex that is not there. Numbers, lists and
 * so all sums are the same in every run: the table below is filled in any order, but the integer
 * atomics leave the smallest corner of each vertex in it, whichever came first.
 *
 *   wisp_lattice_locate    features, simplices and weights of all points; clears the table
 *   wisp_lattice_enter     enters every corner's vertex in a hash table of 2 C points slots
 *   wisp_lattice_leaders   1 for a vertex's first corner, 0 for others; summed up by scan.cu, which
 *                          makes them numbers
 *   wisp_lattice_number    corners' rows, rows' first corners
 *   wisp_lattice_beside    rows beside each row along each axis
 *   wisp_lattice_lists     after a sort of the corners by row (sort.cu): where each row's begin,
 *                          their pixels and weights
 *
 *   image    const float*  [h, w, 3], in; or null for d = 2
 *   base     int*          [d, points]: the simplex's corner of remainder 0
 *   order    int*          [points]: three bits a dimension, the rank of its residual
 *   weight   float*        [pixels, C]: barycentric weights
 *   table    unsigned*     [2 C points]: ~ of a vertex's smallest corner, 0 where free
 *   vertex   int*          [C points]: a corner's slot (unsigned) from enter, its row from number
 *   number   int*          [C points]: from leaders; then vertices that begin before each corner
 *   leader   int*          [rows]: a row's first corner; row 0 has none
 *   beside   int*          [C, rows, 2]: the rows beside, 0 for none; 8-byte aligned
 *   keys     const int*    [C pixels]: rows of corners, sorted; sorted: the corners in that order
 *   begin    int*          [rows + 1]; pixel int*, share float*  [C pixels]: the lists
 *
 * One thread a point (locate), a corner (enter, leaders, number, lists), a row and axis (beside):
 * grids (ceil(count / 256), 1, 1), of beside (ceil(rows / 256), C, 1); block (256, 1, 1); no
 * dynamic shared memory. corners = C is 3 without an image and 6 with one; 6 (h w + 1) < 2^31.
 *
 * Bytes and operations for C = 6: locate 12 + 24 + 24 + 48 a point, about 250 operations; enter 28
 * and a slot of 32 a corner, about 40; leaders 4 + 32 + 4; number 4 + 32 + 32 + 4; beside 28 + 64
 * + 8 a row and axis; lists 16 + 32 + 8. Slots and simplices are read where the hash says, a sector
 * of 32 bytes for 4 of use; neighbouring pixels share vertices, so many hit the L2 cache. In all
 * about 1.4 KB a pixel, memory: 187,500 pixels (500 x 375) in 0.4 ms on a Titan RTX (672 GB/s).
 * Considered: building on the host, which takes some tenths of a second there (docs/cuda.md), and
 * copying the tables; keys instead of corners in the table, 20 bytes a slot and no atomic that
 * wide. The kernels are plain themselves, one thread an element and no shared memory; a lattice
 * built on the host judges them to the bit (cuda/tests/lattice.cpp). No run on a GPU has been made.
 */

namespace {

typedef long long int64;

constexpr int kBlock = 256;
constexpr int kPositions = 2;
constexpr int kColours = 5;

/* Features beyond it are brought back to it: larger ones leave the lattice's integers. */
constexpr float kFarthest = 16777216.0f;

__device__ __forceinline__ int64 thread_index() {
  return blockIdx.x * static_cast<int64>(kBlock) + threadIdx.x;
}

/* NaN becomes the least. */
__device__ __forceinline__ float bounded(float feature) {
  return feature >= -kFarthest ? (feature <= kFarthest ? feature : kFarthest) : -kFarthest;
}

/* sqrt(2 / 3) (d + 1) / sqrt((i + 1) (i + 2)): for a blur of unit deviation. */
template <int D>
__device__ __forceinline__ float axis_scale(int i) {
  if (D == kPositions) return i == 0 ? 0x1.bb67bp+0f : 1.0f;
  return i == 0   ? 0x1.bb67bp+1f
         : i == 1 ? 2.0f
         : i == 2 ? 0x1.6a09e8p+0f
         : i == 3 ? 0x1.186f18p+0f
                  : 0x1.c9f25ep-1f;
}

/* The simplex around a point. Of two equal residuals that of the higher index ranks higher. */
template <int D>
__device__ __forceinline__ void locate(const float (&feature)[D], int (&base)[D + 1],
                                       int (&rank)[D + 1], float (&weight)[D + 1]) {
  constexpr float kInverse = 1.0f / (D + 1);
  float elevated[D + 1], residual[D + 1], sum = 0.0f;
#pragma unroll
  for (int i = 0; i < D; ++i) {
    const int j = D - i;
    const float part = feature[j - 1] * axis_scale<D>(j - 1);
    elevated[j] = sum - static_cast<float>(j) * part;
    sum = sum + part;
  }
  elevated[0] = sum;
  int excess = 0;
#pragma unroll
  for (int i = 0; i <= D; ++i) {
    const int nearest = __float2int_rn(elevated[i] * kInverse);
    base[i] = nearest * (D + 1);
    rank[i] = 0;
    residual[i] = elevated[i] - static_cast<float>(base[i]);
    excess += nearest;
  }
#pragma unroll
  for (int i = 0; i < D; ++i) {
#pragma unroll
    for (int j = 1; j <= D; ++j) {
      if (j <= i) continue;
      const bool lower = residual[i] < residual[j];
      rank[i] += lower;
      rank[j] += !lower;
    }
  }
  float part[D + 1]; /* by rank */
#pragma unroll
  for (int r = 0; r <= D; ++r) part[r] = 0.0f;
#pragma unroll
  for (int i = 0; i <= D; ++i) {
    rank[i] += excess;
    const int over = rank[i] < 0 ? D + 1 : rank[i] > D ? -(D + 1) : 0;
    rank[i] += over;
    base[i] += over;
    const float v = (elevated[i] - static_cast<float>(base[i])) * kInverse;
#pragma unroll
    for (int r = 0; r <= D; ++r)
      part[r] = rank[i] == r ? v : part[r];
  }
#pragma unroll
  for (int r = 1; r <= D; ++r) weight[r] = part[D - r] - part[D + 1 - r];
  weight[0] = part[D] + (1.0f + (0.0f - part[0]));
}

template <int D>
__device__ __forceinline__ void locate_point(const float* image, int* base, int* order,
                                             float* weight, int64 p, int64 pixels, int64 points,
                                             int64 w, float spatial, float colour) {
  float feature[D], own[D + 1];
  int corner[D + 1], rank[D + 1];
#pragma unroll
  for (int i = 0; i < D; ++i) feature[i] = 0.0f;
  if (p < pixels) {
    feature[0] = bounded(static_cast<float>(p % w) / spatial);
    feature[1] = bounded(static_cast<float>(p / w) / spatial);
#pragma unroll
    for (int c = 0; c < D - 2; ++c) feature[2 + c] = bounded(image[p * 3 + c] / colour);
  }
  locate<D>(feature, corner, rank, own);
  int packed = 0;
#pragma unroll
  for (int i = 0; i < D; ++i) {
    base[i * points + p] = corner[i];
    packed |= rank[i] << 3 * i;
  }
  order[p] = packed;
  if (p >= pixels) return;
#pragma unroll
  for (int r = 0; r <= D; ++r) weight[p * (D + 1) + r] = own[r];
}

/* Simplices of all points, and their corners' coordinates but the last, which follows. */
template <int D>
struct Simplices {
  const int* base;
  const int* order;
  int64 points;

  __device__ __forceinline__ void key(int64 corner, int (&key)[D]) const {
    const unsigned k = static_cast<unsigned>(corner), p = k / (D + 1);
    const int r = static_cast<int>(k - p * (D + 1)), ranks = order[p];
#pragma unroll
    for (int i = 0; i < D; ++i)
      key[i] = base[i * points + p] + ((ranks >> 3 * i & 7) <= D - r ? r : r - (D + 1));
  }

  __device__ __forceinline__ bool has(int64 corner, const int (&key)[D]) const {
    int other[D];
    this->key(corner, other);
    bool same = true;
#pragma unroll
    for (int i = 0; i < D; ++i) same = same && other[i] == key[i];
    return same;
  }

  __device__ __forceinline__ int64 slots() const { return 2 * (D + 1) * points; }

  __device__ __forceinline__ int64 first_slot(const int (&key)[D]) const {
    unsigned long long hash = 0;
#pragma unroll
    for (int i = 0; i < D; ++i)
      hash = (hash + static_cast<unsigned>(key[i])) * 0x9E3779B97F4A7C15ull;
    return static_cast<int64>(__umul64hi(hash, static_cast<unsigned long long>(slots())));
  }

  __device__ __forceinline__ int64 after(int64 slot) const {
    return slot + 1 == slots() ? 0 : slot + 1;
  }
};

template <int D>
__device__ __forceinline__ void enter(const Simplices<D>& all, unsigned* table, int* vertex,
                                      int64 k) {
  int key[D];
  all.key(k, key);
  const unsigned own = ~static_cast<unsigned>(k);
  int64 slot = all.first_slot(key);
  for (;; slot = all.after(slot)) {
    const unsigned held = atomicCAS(table + slot, 0u, own);
    if (held == 0) break;
    if (all.has(~held, key)) {
      if (held < own) atomicMax(table + slot, own);
      break;
    }
  }
  vertex[k] = static_cast<int>(static_cast<unsigned>(slot));
}

/* The row of a vertex; 0 if there is none such. */
template <int D>
__device__ __forceinline__ int find(const Simplices<D>& all, const unsigned* table,
                                    const int* number, const int (&key)[D]) {
  for (int64 slot = all.first_slot(key);; slot = all.after(slot)) {
    const unsigned held = table[slot];
    if (held == 0) return 0;
    if (all.has(~held, key)) return 1 + number[~held];
  }
}

template <int D>
__device__ __forceinline__ int2 find_beside(const Simplices<D>& all, const unsigned* table,
                                            const int* number, int corner, int axis) {
  int low[D], high[D];
  all.key(corner, low);
#pragma unroll
  for (int i = 0; i < D; ++i) {
    const int own = low[i];
    low[i] = own + (i == axis ? D : -1);
    high[i] = own - (i == axis ? D : -1);
  }
  return make_int2(find(all, table, number, low), find(all, table, number, high));
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_locate(const float* __restrict__ image, int* __restrict__ base,
                        int* __restrict__ order, float* __restrict__ weight,
                        unsigned* __restrict__ table, long long h, long long w, long long points,
                        float spatial, float colour) {
  const int64 p = thread_index();
  if (p >= points) return;
  const int slots = 2 * ((image == nullptr ? kPositions : kColours) + 1);
  for (int s = 0; s < slots; ++s) table[s * points + p] = 0;
  if (image == nullptr)
    locate_point<kPositions>(image, base, order, weight, p, h * w, points, w, spatial, colour);
  else
    locate_point<kColours>(image, base, order, weight, p, h * w, points, w, spatial, colour);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_enter(const int* __restrict__ base, const int* __restrict__ order,
                       unsigned* __restrict__ table, int* __restrict__ vertex, long long points,
                       int corners) {
  const int64 k = thread_index();
  if (k >= points * corners) return;
  if (corners == kPositions + 1)
    enter(Simplices<kPositions>{base, order, points}, table, vertex, k);
  else
    enter(Simplices<kColours>{base, order, points}, table, vertex, k);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_leaders(const unsigned* __restrict__ table, const int* __restrict__ vertex,
                         int* __restrict__ number, long long n) {
  const int64 k = thread_index();
  if (k < n) number[k] = ~table[static_cast<unsigned>(vertex[k])] == static_cast<unsigned>(k);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_number(const unsigned* __restrict__ table, const int* __restrict__ number,
                        int* __restrict__ vertex, int* __restrict__ leader, long long n) {
  const int64 k = thread_index();
  if (k >= n) return;
  const unsigned first = ~table[static_cast<unsigned>(vertex[k])];
  const int row = 1 + number[first];
  vertex[k] = row;
  if (first == static_cast<unsigned>(k)) leader[row] = static_cast<int>(k);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_beside(const int* __restrict__ base, const int* __restrict__ order,
                        const unsigned* __restrict__ table, const int* __restrict__ number,
                        const int* __restrict__ leader, int* __restrict__ beside,
                        long long points, long long rows, int corners) {
  const int64 row = thread_index();
  if (row >= rows) return;
  const int axis = static_cast<int>(blockIdx.y);
  int2 found = make_int2(0, 0);
  if (row > 0 && corners == kPositions + 1)
    found = find_beside(Simplices<kPositions>{base, order, points}, table, number, leader[row],
                        axis);
  else if (row > 0)
    found = find_beside(Simplices<kColours>{base, order, points}, table, number, leader[row],
                        axis);
  reinterpret_cast<int2*>(beside)[axis * rows + row] = found;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_lattice_lists(const int* __restrict__ keys, const int* __restrict__ sorted,
                       const float* __restrict__ weight, int* __restrict__ begin,
                       int* __restrict__ pixel, float* __restrict__ share, long long n,
                       long long rows, int corners) {
  const int64 at = thread_index();
  if (at >= n) return;
  const int corner = sorted[at], own = keys[at];
  pixel[at] = corner / corners;
  share[at] = weight[corner];
  for (int row = at == 0 ? 0 : keys[at - 1] + 1; row <= own; ++row)
    begin[row] = static_cast<int>(at);
  if (at + 1 < n) return;
  for (int64 row = own + 1; row <= rows; ++row) begin[row] = static_cast<int>(n);
}
