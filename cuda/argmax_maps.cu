/*
 * wisp_argmax_maps: the class of the largest map at each position (method.md sections 6 and 8): the
 * SPI's argmaxMaps. The first (lowest class id) of equal maps wins; a NaN counts as larger than any
 * number. The background's map is multiplied by a factor first.
 *
 *   maps               const float*  [rows, positions], in
 *   offsets            const int*    [n + 1], in: image b owns rows offsets[b] .. offsets[b + 1]
 *   ids                const int*    [rows], in: class of each row, ascending within an image
 *   seeds              int*          [n, positions], out: class ids; -1 for an image without rows
 *   n                  long long
 *   positions          long long
 *   background_factor  float
 *
 * Grid (ceil(n positions / 256), 1, 1), block (256, 1, 1), no dynamic shared memory. 4 bytes an
 * element of maps and 4 a position, 3 operations an element: bandwidth, 168 G elements/s on a Titan
 * RTX (672 GB/s). No naive sibling: this is one thread a position already, neighbouring threads
 * read neighbouring values of a row, and every row is read once. No run on a GPU has been made.
 */

namespace {
constexpr int kBlock = 256;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_argmax_maps(const float* __restrict__ maps, const int* __restrict__ offsets,
                     const int* __restrict__ ids, int* __restrict__ seeds, long long n,
                     long long positions, float background_factor) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * positions) return;
  const long long image = i / positions, p = i - image * positions;
  float best = 0.0f;
  int winner = -1;
  for (int row = offsets[image]; row < offsets[image + 1]; ++row) {
    const int id = ids[row];
    float value = maps[row * positions + p];
    if (id == 0) value *= background_factor;
    if (winner < 0 || value > best || (value != value && best == best)) {
      best = value;
      winner = id;
    }
  }
  seeds[i] = winner;
}
