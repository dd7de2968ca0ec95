/*
 * wisp_limit_seeds: takes the seed from positions where its class has little support (method.md
 * section 6): the SPI's limitSeeds. A foreground seed whose class's support is below the share, or
 * NaN, becomes -1; seeds of the background and of classes that the image lacks stay.
 *
 *   support            const float*  [rows, positions], in
 *   offsets            const int*    [n + 1], in: image b owns rows offsets[b] .. offsets[b + 1]
 *   ids                const int*    [rows], in: class of each row, ascending within an image
 *   seeds              int*          [n, positions], in and out
 *   n                  long long
 *   positions          long long
 *   share              float
 *
 * Grid (ceil(n positions / 256), 1, 1), block (256, 1, 1), no dynamic shared memory. At most 12
 * bytes a position, a comparison a row: bandwidth, 56 G positions/s on a Titan RTX (672 GB/s). No
 * naive sibling: this is one thread a position already, which reads the one support it compares. No
 * run on a GPU has been made.
 */

namespace {
constexpr int kBlock = 256;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_limit_seeds(const float* __restrict__ support, const int* __restrict__ offsets,
                     const int* __restrict__ ids, int* __restrict__ seeds, long long n,
                     long long positions, float share) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n * positions) return;
  const long long image = i / positions, p = i - image * positions;
  const int seed = seeds[i];
  if (seed <= 0) return;
  for (int row = offsets[image]; row < offsets[image + 1]; ++row) {
    if (ids[row] == seed && !(support[row * positions + p] >= share)) seeds[i] = -1;
  }
}
