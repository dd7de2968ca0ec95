/*
 * The end of a mean-field step of the dense CRF (Krähenbühl and Koltun, NeurIPS 2011): slices both
 * kernels' messages from their blurred lattices and takes the softmax over the labels of a pixel,
 *   q = softmax(-unary + sum over both kernels of compat n alpha sum over corners of weight work),
 * with n and alpha as in crf_filter.cu: symmetric normalisation, Potts compatibility. Without
 * lattices it is softmax(-unary), where the steps begin.
 *
 * Parameters of both kernels, in order:
 *   const float* unary         [labels, pixels], in
 *   const float* near_work     [rows, width], in: the blurred lattice of positions; null for none
 *   const int*   near_vertex   [pixels, 3], in; const float* near_weight: corners
 *   const float* near_norms    [pixels], in
 *   const float* alike_work    the same of the lattice of positions and colours, with 6 corners
 *   const int*   alike_vertex; const float* alike_weight, alike_norms
 *   float*       q             [pixels, width], out, zeros behind the labels; null for none
 *   float*       planes        [labels, pixels], out; null for none. One of the two is there
 *   long long    labels        wisp_crf_update: at most 128
 *   long long    pixels
 *   int          width         labels up to a multiple of 4; rows are 16-byte aligned
 *   int          shift         as in crf_filter.cu
 *   float        near_compat, alike_compat
 * wisp_crf_update: L lanes a pixel, four labels a lane, sums over the labels as a tree; grid
 * (ceil(pixels L / 256), 1, 1), block (256, 1, 1). wisp_crf_update_naive: one thread a pixel, which
 * keeps its logits in the output; grid (ceil(pixels / 256), 1, 1), block (256, 1, 1). It takes any
 * number of labels. No dynamic shared memory.
 *
 * Per pixel with M labels: reads 4 M of unary, 9 (8 + 4 M) of corners and their rows, 8 of norms,
 * writes 4 M; 22 M operations and M exponentials. For M = 4: 256 bytes and about 150 operations:
 * memory, 2.6 Gpixel/s on a Titan RTX (672 GB/s) without its L2 cache, in which the rows of
 * neighbouring pixels meet. Fusing saves the messages and logits, 20 M bytes a pixel written and
 * read again. Considered: a thread a pixel holds all labels in registers, 84 of 21, and reads rows
 * with a stride; a warp a pixel idles at four labels. No run on a GPU has been made.
 */

namespace {

typedef long long int64;

constexpr int kBlock = 256;
constexpr int kNear = 3;
constexpr int kAlike = 6;
constexpr unsigned kAll = 0xffffffffu;

/* A kernel's lattice, and what it counts at a pixel. */
struct Message {
  const float* work;
  const int* vertex;
  const float* weight;
  float factor; /* compat n alpha */
};

template <int C>
__device__ __forceinline__ Message message_at(const float* work, const int* vertex,
                                              const float* weight, const float* norms,
                                              float compat, int64 p) {
  constexpr float kAlpha = 1.0f / (1.0f + 1.0f / (1 << (C - 1)));
  return Message{work, vertex + p * C, weight + p * C, compat * norms[p] * kAlpha};
}

__device__ __forceinline__ float4 load_four(const float* p) {
  return *reinterpret_cast<const float4*>(p);
}

__device__ __forceinline__ float4 add_scaled(float4 sum, float factor, float4 v) {
  return make_float4(fmaf(factor, v.x, sum.x), fmaf(factor, v.y, sum.y),
                     fmaf(factor, v.z, sum.z), fmaf(factor, v.w, sum.w));
}

template <int C>
__device__ __forceinline__ float4 add_message(float4 logits, const Message& m, int width, int c) {
  float4 sum = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
  for (int k = 0; k < C; ++k)
    sum = add_scaled(sum, m.weight[k],
                     load_four(m.work + m.vertex[k] * static_cast<int64>(width) + c));
  return add_scaled(logits, m.factor, sum);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crf_update(const float* __restrict__ unary, const float* __restrict__ near_work,
                    const int* __restrict__ near_vertex, const float* __restrict__ near_weight,
                    const float* __restrict__ near_norms, const float* __restrict__ alike_work,
                    const int* __restrict__ alike_vertex, const float* __restrict__ alike_weight,
                    const float* __restrict__ alike_norms, float* __restrict__ q,
                    float* __restrict__ planes, long long labels, long long pixels, int width,
                    int shift, float near_compat, float alike_compat) {
  const int64 p = blockIdx.x * static_cast<int64>(kBlock >> shift) + (threadIdx.x >> shift);
  const int lanes = 1 << shift, c = 4 * (threadIdx.x & (lanes - 1));
  const bool mine = p < pixels && c < width;
  const float least = __int_as_float(0xff800000);
  const bool second = c + 1 < labels, third = c + 2 < labels, fourth = c + 3 < labels;
  float4 v = make_float4(least, least, least, least);
  if (mine) {
    const float* from = unary + c * pixels + p;
    v = make_float4(-from[0], second ? -from[pixels] : 0.0f, third ? -from[2 * pixels] : 0.0f,
                    fourth ? -from[3 * pixels] : 0.0f);
    if (near_work != nullptr) {
      v = add_message<kNear>(
          v, message_at<kNear>(near_work, near_vertex, near_weight, near_norms, near_compat, p),
          width, c);
      v = add_message<kAlike>(v,
                              message_at<kAlike>(alike_work, alike_vertex, alike_weight,
                                                 alike_norms, alike_compat, p),
                              width, c);
    }
    v.y = second ? v.y : least;
    v.z = third ? v.z : least;
    v.w = fourth ? v.w : least;
  }
  float largest = fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w));
  for (int step = 1; step < lanes; step *= 2)
    largest = fmaxf(largest, __shfl_xor_sync(kAll, largest, step));
  if (mine)
    v = make_float4(expf(v.x - largest), second ? expf(v.y - largest) : 0.0f,
                    third ? expf(v.z - largest) : 0.0f, fourth ? expf(v.w - largest) : 0.0f);
  float sum = mine ? (v.x + v.y) + (v.z + v.w) : 0.0f;
  for (int step = 1; step < lanes; step *= 2) sum += __shfl_xor_sync(kAll, sum, step);
  if (!mine) return;
  v = make_float4(v.x / sum, v.y / sum, v.z / sum, v.w / sum);
  if (q != nullptr) *reinterpret_cast<float4*>(q + p * width + c) = v;
  if (planes == nullptr) return;
  float* plane = planes + c * pixels + p;
  plane[0] = v.x;
  if (second) plane[pixels] = v.y;
  if (third) plane[2 * pixels] = v.z;
  if (fourth) plane[3 * pixels] = v.w;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crf_update_naive(const float* unary, const float* near_work, const int* near_vertex,
                          const float* near_weight, const float* near_norms,
                          const float* alike_work, const int* alike_vertex,
                          const float* alike_weight, const float* alike_norms, float* q,
                          float* planes, long long labels, long long pixels, int width, int shift,
                          float near_compat, float alike_compat) {
  const int64 p = blockIdx.x * static_cast<int64>(kBlock) + threadIdx.x;
  if (p >= pixels) return;
  float* own = q != nullptr ? q + p * width : planes + p;
  const int64 stride = q != nullptr ? 1 : pixels;
  float largest = __int_as_float(0xff800000);
  for (int64 c = 0; c < labels; ++c) {
    float logit = -unary[c * pixels + p];
    if (near_work != nullptr) {
      const Message near = message_at<kNear>(near_work, near_vertex, near_weight, near_norms,
                                             near_compat, p);
      const Message alike = message_at<kAlike>(alike_work, alike_vertex, alike_weight,
                                               alike_norms, alike_compat, p);
      float sum = 0.0f;
      for (int k = 0; k < kNear; ++k)
        sum = sum + near.weight[k] * near.work[near.vertex[k] * static_cast<int64>(width) + c];
      logit = logit + near.factor * sum;
      sum = 0.0f;
      for (int k = 0; k < kAlike; ++k)
        sum = sum + alike.weight[k] * alike.work[alike.vertex[k] * static_cast<int64>(width) + c];
      logit = logit + alike.factor * sum;
    }
    own[c * stride] = logit;
    largest = fmaxf(largest, logit);
  }
  float sum = 0.0f;
  for (int64 c = 0; c < labels; ++c) {
    const float e = expf(own[c * stride] - largest);
    own[c * stride] = e;
    sum = sum + e;
  }
  for (int64 c = 0; c < labels; ++c) {
    const float share = own[c * stride] / sum;
    own[c * stride] = share;
    if (q != nullptr && planes != nullptr) planes[c * pixels + p] = share;
  }
  for (int c = static_cast<int>(labels); q != nullptr && c < width; ++c) own[c] = 0.0f;
}
