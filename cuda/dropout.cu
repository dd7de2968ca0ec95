/*
 * Dropout of the SPI's SegmentationOps: which elements fall is a function of a key and their
 * numbers, so that no state is kept and every backend drops the same ones.
 *
 * Versions considered: four elements a thread as in pointwise.cu would save address arithmetic, but
 * the hash, not the accesses, issues most instructions. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;

}  // namespace

/*
 * wisp_dropout: out[i] = x[i] scale, or exactly 0 where the upper 24 bits of number first + i under
 * the key (splitmix64's finaliser, as dev.wisp.common.CounterRandom has it) are below `dropped`.
 *
 *   x        const float*  [n], in
 *   out      float*        [n], out; may be x itself
 *   n        long long
 *   key      long long
 *   first    long long
 *   dropped  long long     0 to 2^24
 *   scale    float
 *
 * Grid (ceil(n / 256), 1, 1), block (256, 1, 1). 8 bytes an element, 4 of one that falls, which is
 * not read, though the sector it lies in is; two 64-bit products and three shifts, about 25 integer
 * operations. Bound: bandwidth, 84 G elements/s. No naive sibling: this is one thread an element
 * already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_dropout(const float* x, float* out, long long n, long long key, long long first,
                 long long dropped, float scale) {
  const long long i = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (i >= n) return;
  unsigned long long s =
      static_cast<unsigned long long>(key) +
      (static_cast<unsigned long long>(first) + static_cast<unsigned long long>(i) + 1u) *
          0x9E3779B97F4A7C15ull;
  s = (s ^ (s >> 30)) * 0xBF58476D1CE4E5B9ull;
  s = (s ^ (s >> 27)) * 0x94D049BB133111EBull;
  s ^= s >> 31;
  out[i] = static_cast<long long>(s >> 40) >= dropped ? __fmul_rn(x[i], scale) : 0.0f;
}
