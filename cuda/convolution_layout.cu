/*
 * What surrounds a library's convolution: turning channels-last into channels-first and back, and
 * adding bias, residual and ReLU to its result. The SPI's tensors are [n, h, w, C]; a library may
 * be faster on [n, C, h, w].
 *
 * Everything here moves memory and computes next to nothing: the bound is bytes over bandwidth, on
 * a Titan RTX (672 GB/s) 84 G elements/s where an element moves 8 bytes, 56 where 12. A turn goes
 * through a 32 by 32 tile in shared memory, so that reads and writes are both of whole 128-byte
 * rows; 33 floats a row keep the banks apart. Versions considered: reading or writing with a stride
 * (the siblings) touches a 32-byte sector for every 4 bytes on one side. Bias, residual and ReLU are
 * added on the way back, where the tile is in registers anyway: one pass less over the result. No
 * run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
/* Side of a tile, and rows of it that a block's threads cover at once. */
constexpr int kTile = 32;
constexpr int kRows = kBlock / kTile;
/* Elements a thread of wisp_conv_finish takes. */
constexpr int kVector = 4;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }

__device__ inline float4 sum4(float4 a, float4 b) {
  return make_float4(__fadd_rn(a.x, b.x), __fadd_rn(a.y, b.y), __fadd_rn(a.z, b.z),
                     __fadd_rn(a.w, b.w));
}

/* max(0, x), NaN stays NaN. */
__device__ inline float rectified(float x) { return x <= 0.0f ? 0.0f : x; }

/* act(value + bias + residual); NaN stays NaN. */
__device__ inline float finished(float value, const float* bias, long long channel,
                                 const float* residual, long long at, int relu) {
  if (bias != nullptr) value = __fadd_rn(value, bias[channel]);
  if (residual != nullptr) value = __fadd_rn(value, residual[at]);
  return relu ? rectified(value) : value;
}

/* Matrix, row and column at which a block's tile begins; tiles of a matrix are numbered row by row. */
struct Tile {
  long long matrix, row, column;

  __device__ Tile(long long rows, long long columns) {
    const long long across = (columns + kTile - 1) / kTile, down = (rows + kTile - 1) / kTile;
    const long long index = blockIdx.x;
    matrix = index / (across * down);
    const long long rest = index - matrix * across * down;
    row = rest / across * kTile;
    column = rest % across * kTile;
  }
};

/* Copies the tile that begins at `tile` of [batch, rows, columns] into shared memory. */
__device__ inline void load_tile(float (&shared)[kTile][kTile + 1],
                                 const float* __restrict__ source, const Tile& tile, long long rows,
                                 long long columns) {
  const long long column = tile.column + threadIdx.x % kTile;
  for (int step = threadIdx.x / kTile; step < kTile; step += kRows) {
    const long long row = tile.row + step;
    if (row < rows && column < columns)
      shared[step][threadIdx.x % kTile] = source[(tile.matrix * rows + row) * columns + column];
  }
}

}  // namespace

/*
 * wisp_transpose: target[b, c, r] = source[b, r, c].
 *
 *   source   const float*  [batch, rows, columns], in
 *   target   float*        [batch, columns, rows], out; does not overlap source
 *   batch    long long
 *   rows     long long
 *   columns  long long
 *
 * Grid (batch ceil(rows / 32) ceil(columns / 32), 1, 1), block (256, 1, 1), no dynamic shared
 * memory; wisp_transpose_naive: grid (ceil(batch rows columns / 256), 1, 1). 8 bytes an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_transpose(const float* __restrict__ source, float* __restrict__ target, long long batch,
                   long long rows, long long columns) {
  __shared__ float shared[kTile][kTile + 1];
  const Tile tile(rows, columns);
  if (tile.matrix >= batch) return;
  load_tile(shared, source, tile, rows, columns);
  __syncthreads();
  const long long row = tile.row + threadIdx.x % kTile;
  for (int step = threadIdx.x / kTile; step < kTile; step += kRows) {
    const long long column = tile.column + step;
    if (row < rows && column < columns)
      target[(tile.matrix * columns + column) * rows + row] = shared[threadIdx.x % kTile][step];
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_transpose_naive(const float* __restrict__ source, float* __restrict__ target,
                         long long batch, long long rows, long long columns) {
  const long long at = thread_index();
  if (at >= batch * rows * columns) return;
  const long long matrix = at / (rows * columns), rest = at - matrix * rows * columns;
  const long long column = rest / rows, row = rest - column * rows;
  target[at] = source[(matrix * rows + row) * columns + column];
}

/*
 * wisp_conv_finish: y[p, c] = act(product[p, c] + bias[c] + residual[p, c]).
 *
 *   product   const float*  [positions, channels], in
 *   bias      const float*  [channels], in; or null for 0
 *   residual  const float*  [positions, channels], in; or null for 0
 *   y         float*        [positions, channels], out; may be product or residual
 *   positions long long
 *   channels  int
 *   relu      int           0 or 1; NaN stays NaN
 *
 * Grid (ceil(positions channels / 1024), 1, 1), block (256, 1, 1), no dynamic shared memory;
 * wisp_conv_finish_naive: grid (ceil(positions channels / 256), 1, 1). 8 bytes and 2 operations an
 * element, 12 and 3 with a residual. The fast kernel finds the channel of its first of 4 elements by
 * one division; where channels are a multiple of 4 and every pointer is aligned to 16 bytes, the 4 are
 * one access each, else it counts on. Its sibling divides for each.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish(const float* product, const float* __restrict__ bias, const float* residual,
                     float* y, long long positions, int channels, int relu) {
  const long long count = positions * channels, begin = thread_index() * kVector;
  if (begin >= count) return;
  int channel = static_cast<int>(begin % channels);
  if (channels % kVector == 0 && aligned(product) && aligned(bias) && aligned(residual) &&
      aligned(y)) {
    float4 v = load4(product + begin);
    if (bias != nullptr) v = sum4(v, load4(bias + channel));
    if (residual != nullptr) v = sum4(v, load4(residual + begin));
    if (relu) v = make_float4(rectified(v.x), rectified(v.y), rectified(v.z), rectified(v.w));
    *reinterpret_cast<float4*>(y + begin) = v;
    return;
  }
  for (long long at = begin; at < count && at < begin + kVector; ++at) {
    y[at] = finished(product[at], bias, channel, residual, at, relu);
    if (++channel == channels) channel = 0;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish_naive(const float* product, const float* __restrict__ bias,
                           const float* residual, float* y, long long positions, int channels,
                           int relu) {
  const long long at = thread_index();
  if (at >= positions * channels) return;
  y[at] = finished(product[at], bias, at % channels, residual, at, relu);
}

/*
 * wisp_conv_finish_planar: y[b, p, c] = act(product[b, c, p] + bias[c] + residual[b, p, c]).
 *
 *   product   const float*  [n, channels, positions], in; overlaps nothing else
 *   bias      const float*  [channels], in; or null for 0
 *   residual  const float*  [n, positions, channels], in; or null for 0
 *   y         float*        [n, positions, channels], out; may be residual
 *   n         long long
 *   positions long long     of one image
 *   channels  int
 *   relu      int           0 or 1; NaN stays NaN
 *
 * Grid (n ceil(channels / 32) ceil(positions / 32), 1, 1), block (256, 1, 1), no dynamic shared
 * memory; wisp_conv_finish_planar_naive: grid (ceil(n positions channels / 256), 1, 1). 8 bytes and
 * 2 operations an element, 12 and 3 with a residual.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish_planar(const float* __restrict__ product, const float* __restrict__ bias,
                            const float* residual, float* y, long long n, long long positions,
                            int channels, int relu) {
  __shared__ float shared[kTile][kTile + 1];
  const Tile tile(channels, positions);
  if (tile.matrix >= n) return;
  load_tile(shared, product, tile, channels, positions);
  __syncthreads();
  const long long channel = tile.row + threadIdx.x % kTile;
  for (int step = threadIdx.x / kTile; step < kTile; step += kRows) {
    const long long position = tile.column + step;
    if (channel >= channels || position >= positions) continue;
    const long long at = (tile.matrix * positions + position) * channels + channel;
    y[at] = finished(shared[threadIdx.x % kTile][step], bias, channel, residual, at, relu);
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_conv_finish_planar_naive(const float* __restrict__ product,
                                  const float* __restrict__ bias, const float* residual, float* y,
                                  long long n, long long positions, int channels, int relu) {
  const long long at = thread_index();
  if (at >= n * positions * channels) return;
  const long long row = at / channels, channel = at - row * channels;
  const long long image = row / positions, position = row - image * positions;
  y[at] = finished(product[(image * channels + channel) * positions + position], bias, channel,
                   residual, at, relu);
}
