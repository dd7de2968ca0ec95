/*
 * One pass of a stable sort of integers by eight of their bits, values carried along: passes with
 * shift 0, 8, 16, 24 one after the other sort by all of them.
 *
 * wisp_sort_count counts the digits (key >> shift) & 255 of each block's piece of 2048 keys. After
 * exclusive prefix sums over [256, blocks] (scan.cu), offsets[digit, block] is where the first key
 * of that digit of that block goes, and wisp_sort_place moves keys and values there. Within a block
 * a warp takes 256 keys in a row, 32 at a time, and finds a key's rank among those of its digit by
 * votes: equal keys keep their order, no atomic decides a place. wisp_sort_place_naive counts
 * smaller digits and earlier equal ones for each key: n^2 steps, no counts needed.
 *
 *   keys        const int*  [n], in, not negative
 *   values      const int*  [n], in; or null for 0, 1, 2, ...
 *   counts      int*        [256, blocks], out; to wisp_sort_place const int* offsets, in
 *   out_keys    int*        [n], out, apart from keys
 *   out_values  int*        [n], out, apart from values
 *   n           long long   1 to 2^31 - 1
 *   shift       int         of the digit
 *
 * wisp_sort_count(keys, counts, n, shift), wisp_sort_place(keys, values, offsets, out_keys,
 * out_values, n, shift): grid (blocks = ceil(n / 2048), 1, 1), block (256, 1, 1).
 * wisp_sort_place_naive(keys, values, out_keys, out_values, n, shift): grid (ceil(n / 256), 1, 1),
 * block (256, 1, 1). No dynamic shared memory.
 *
 * A pass moves 4 + 16 bytes a key and 1 more for the counts, about 60 instructions: memory, 32 G
 * keys/s on a Titan RTX (672 GB/s) if neighbours of a digit share their sectors. Considered: digits
 * of 4 bits take twice the passes; of 11 bits, counts of 64 KB a block. No run on a GPU has been
 * made.
 */

namespace {

typedef long long int64;

constexpr int kBlock = 256;
constexpr int kWarps = kBlock / 32;
constexpr int kEach = 8;
constexpr int kPiece = kBlock * kEach;
constexpr int kBits = 8;
constexpr int kDigits = 1 << kBits;
constexpr unsigned kAll = 0xffffffffu;

__device__ __forceinline__ int digit_of(int key, int shift) { return key >> shift & (kDigits - 1); }

}  // namespace

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sort_count(const int* __restrict__ keys, int* __restrict__ counts, long long n,
                    int shift) {
  __shared__ int own[kDigits];
  own[threadIdx.x] = 0;
  __syncthreads();
  const int64 first = blockIdx.x * static_cast<int64>(kPiece) + threadIdx.x;
  for (int e = 0; e < kEach; ++e) {
    const int64 i = first + e * kBlock;
    if (i < n) atomicAdd(own + digit_of(keys[i], shift), 1);
  }
  __syncthreads();
  counts[threadIdx.x * static_cast<int64>(gridDim.x) + blockIdx.x] = own[threadIdx.x];
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sort_place(const int* __restrict__ keys, const int* __restrict__ values,
                    const int* __restrict__ offsets, int* __restrict__ out_keys,
                    int* __restrict__ out_values, long long n, int shift) {
  /* Keys of each digit that a warp has met; then where its first one goes. */
  __shared__ int met[kWarps][kDigits];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int w = 0; w < kWarps; ++w) met[w][threadIdx.x] = 0;
  __syncthreads();
  const unsigned first = blockIdx.x * kPiece + warp * (32 * kEach) + lane;
  const unsigned count = static_cast<unsigned>(n);
  int rank[kEach];
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const unsigned i = first + e * 32;
    const bool there = i < count;
    const int digit = there ? digit_of(keys[i], shift) : 0;
    unsigned same = __ballot_sync(kAll, there);
#pragma unroll
    for (int bit = 0; bit < kBits; ++bit) {
      const bool set = digit >> bit & 1;
      const unsigned lanes = __ballot_sync(kAll, set);
      same &= set ? lanes : ~lanes;
    }
    const int earlier = __popc(same & ((1u << lane) - 1));
    rank[e] = met[warp][digit] + earlier;
    __syncwarp();
    if (there && earlier == 0) met[warp][digit] += __popc(same);
    __syncwarp();
  }
  __syncthreads();
  int at = offsets[threadIdx.x * static_cast<int64>(gridDim.x) + blockIdx.x];
  for (int w = 0; w < kWarps; ++w) {
    const int count = met[w][threadIdx.x];
    met[w][threadIdx.x] = at;
    at += count;
  }
  __syncthreads();
#pragma unroll
  for (int e = 0; e < kEach; ++e) {
    const unsigned i = first + e * 32;
    if (i >= count) continue;
    const int key = keys[i], place = met[warp][digit_of(key, shift)] + rank[e];
    out_keys[place] = key;
    out_values[place] = values == nullptr ? static_cast<int>(i) : values[i];
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sort_place_naive(const int* keys, const int* values, int* out_keys, int* out_values,
                          long long n, int shift) {
  const int64 i = blockIdx.x * static_cast<int64>(kBlock) + threadIdx.x;
  if (i >= n) return;
  const int own = digit_of(keys[i], shift);
  int place = 0;
  for (int64 j = 0; j < n; ++j) {
    const int other = digit_of(keys[j], shift);
    if (other < own || (other == own && j < i)) ++place;
  }
  out_keys[place] = keys[i];
  out_values[place] = values == nullptr ? static_cast<int>(i) : values[i];
}
