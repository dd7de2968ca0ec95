/*
 * Stochastic gradient descent over all parameters in one launch, with the norm it clips by and the
 * loss scale it undoes: the SPI's gradientNorm, sgdStep and updateLossScale.
 *
 * A list of arrays is cut into pieces of 8192 elements (the last of an array may be shorter), a
 * block takes a piece. first[a] is the number of pieces of the arrays before a, first[count] of
 * all: first[a + 1] = first[a] + ceil(sizes[a] / 8192). A block finds its array by bisection. The
 * tables lie in device memory; they change only when the list does.
 *
 * Order: gradientNorm adds a thread's elements in ascending order, then the threads of a block as a
 * tree, then pieces likewise in wisp_gradient_norm; all in double, in an order that depends on the
 * sizes alone (and on alignment to 16 bytes: a thread takes 4 elements at once where it can).
 *
 * Block (256, 1, 1), no dynamic shared memory.
 *
 * Versions considered: one launch an array is 161 (ResNet-50) or 314 (ResNet-101) launches of some
 * microseconds, most of them of a few hundred elements. Clipping on the processor, or leaving out a
 * step there, would wait for the norm. A pass that divides the gradients by the loss scale would
 * move 8 bytes an element more: the scale is part of the clipping's factor instead. Sums in float
 * would lose gradients below 1e-20 (their squares are 0). No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
constexpr int kWarps = kBlock / 32;
constexpr unsigned kAll = 0xffffffffu;
/* Elements of a piece: a multiple of 4, so that pieces of an aligned array are aligned. */
constexpr int kPiece = 8192;
constexpr int kVector = 4;

__device__ inline bool aligned(const void* pointer) {
  return (reinterpret_cast<unsigned long long>(pointer) & 15) == 0;
}

__device__ inline float4 load4(const float* from) { return *reinterpret_cast<const float4*>(from); }

__device__ inline void store4(float* to, float4 v) { *reinterpret_cast<float4*>(to) = v; }

/* The sum over the block, in thread 0. part: one double a warp, shared. */
__device__ inline double block_sum(double value, double* part) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < kWarps; ++warp) value += part[warp];
  return value;
}

/* A piece's array and place in it. */
struct Place {
  long long array, begin;
  int length;

  __device__ Place(const long long* sizes, const long long* first, long long count,
                   long long piece) {
    long long low = 0, high = count;
    while (high - low > 1) {
      const long long middle = low + (high - low) / 2;
      if (first[middle] <= piece)
        low = middle;
      else
        high = middle;
    }
    array = low;
    begin = (piece - first[low]) * kPiece;
    const long long left = sizes[low] - begin;
    length = static_cast<int>(left < kPiece ? left : kPiece);
  }
};

__device__ inline double square(float x) { return static_cast<double>(x) * x; }

/*
 * What a gradient is multiplied by: min(1, max_norm / (norm / s + 1e-6)) / s, s the loss scale or
 * 1; a NaN norm stays NaN: it must not look like no clipping.
 */
__device__ inline float gradient_factor(float norm, float max_norm, const float* loss_scale) {
  const float scale = loss_scale == nullptr ? 1.0f : *loss_scale;
  if (isinf(max_norm)) return 1.0f / scale;
  const float ratio = max_norm / (norm / scale + 1e-6f);
  return (ratio >= 1.0f ? 1.0f : ratio) / scale;
}

/* Whether a scaled loss has overflowed: then a step changes nothing. */
__device__ inline bool is_skipped(float norm, const float* loss_scale) {
  return loss_scale != nullptr && !isfinite(norm);
}

/* What every element of a piece shares. */
struct Step {
  float factor, rate, decay, momentum;
  bool has_velocity, first;

  /* Updates w and v by gradient g. */
  __device__ void apply(float g, float& w, float& v) const {
    float change = __fadd_rn(__fmul_rn(factor, g), __fmul_rn(decay, w));
    if (has_velocity) {
      if (!first) change = __fadd_rn(__fmul_rn(momentum, v), change);
      v = change;
    }
    w = __fsub_rn(w, __fmul_rn(rate, change));
  }
};

}  // namespace

/*
 * wisp_gradient_norm_sums: first of two kernels: the sum of squares of each piece.
 *
 *   gradients  const float* const*  [count], in: device pointers
 *   sizes      const long long*     [count], in: elements of each
 *   first      const long long*     [count + 1], in: as above
 *   sums       double*              [first[count]], out
 *   count      long long
 *
 * Grid (first[count], 1, 1). wisp_gradient_norm_sums_naive (a thread a piece): grid
 * (ceil(first[count] / 256), 1, 1). 4 bytes and 2 operations in double an element, one of them the
 * conversion: 127 G elements/s at the 1/32 rate of a Titan RTX (bandwidth would be 168), 0.33 ms
 * for 42 M parameters.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_gradient_norm_sums(const float* const* __restrict__ gradients,
                            const long long* __restrict__ sizes,
                            const long long* __restrict__ first, double* __restrict__ sums,
                            long long count) {
  __shared__ double part[kWarps];
  const long long piece = blockIdx.x;
  if (piece >= first[count]) return;
  const Place place(sizes, first, count, piece);
  const float* __restrict__ from = gradients[place.array] + place.begin;
  double sum = 0;
  int i = 0;
  if (aligned(from)) {
    const int whole = place.length / kVector * kVector;
#pragma unroll 2
    for (int at = kVector * threadIdx.x; at < whole; at += kVector * kBlock) {
      const float4 g = load4(from + at);
      sum += square(g.x);
      sum += square(g.y);
      sum += square(g.z);
      sum += square(g.w);
    }
    i = whole;
  }
  for (i += threadIdx.x; i < place.length; i += kBlock) sum += square(from[i]);
  sum = block_sum(sum, part);
  if (threadIdx.x == 0) sums[piece] = sum;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_gradient_norm_sums_naive(const float* const* __restrict__ gradients,
                                  const long long* __restrict__ sizes,
                                  const long long* __restrict__ first, double* __restrict__ sums,
                                  long long count) {
  const long long piece = static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
  if (piece >= first[count]) return;
  long long array = 0;
  while (first[array + 1] <= piece) ++array;
  double sum = 0;
  for (long long i = (piece - first[array]) * kPiece;
       i < sizes[array] && i < (piece - first[array] + 1) * kPiece; ++i)
    sum += square(gradients[array][i]);
  sums[piece] = sum;
}

/*
 * wisp_gradient_norm: second of two kernels: norm = sqrt(sum of sums); 0 where there is none.
 *
 *   sums    const double*  [pieces], in
 *   norm    float*         [1], out
 *   pieces  long long      first[count], may be 0
 *
 * Grid (1, 1, 1); wisp_gradient_norm_naive: grid (1, 1, 1), block (1, 1, 1). 8 bytes a piece.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_gradient_norm(const double* __restrict__ sums, float* __restrict__ norm,
                       long long pieces) {
  __shared__ double part[kWarps];
  double sum = 0;
  for (long long i = threadIdx.x; i < pieces; i += kBlock) sum += sums[i];
  sum = block_sum(sum, part);
  if (threadIdx.x == 0) *norm = static_cast<float>(sqrt(sum));
}

extern "C" __global__ void __launch_bounds__(1)
    wisp_gradient_norm_naive(const double* __restrict__ sums, float* __restrict__ norm,
                             long long pieces) {
  double sum = 0;
  for (long long i = 0; i < pieces; ++i) sum += sums[i];
  *norm = static_cast<float>(sqrt(sum));
}

/*
 * wisp_sgd_step: for each parameter, as torch does it,
 *   g = c gradient + weight_decay w,  v = momentum v + g (v = g in the first step),  w -= rate v,
 * with c = min(1, max_norm / (norm + 1e-6)), 1 for an infinite max_norm, and v = g where the
 * parameter has no velocity. Every step rounded. With a loss scale s,
 *   c = min(1, max_norm / (norm / s + 1e-6)) / s,
 * and a norm that is not finite leaves weights and velocities as they are, but sets velocities to 0
 * in the first step.
 *
 *   weights       float* const*        [count], in: device pointers, their elements updated
 *   gradients     const float* const*  [count], in
 *   velocities    float* const*        [count], in: null for none; their elements updated
 *   sizes         const long long*     [count], in: elements of each
 *   first         const long long*     [count + 1], in: as above
 *   rates         const float*         [count], in: learning rates
 *   norm          const float*         [1], in: from wisp_gradient_norm
 *   loss_scale    const float*         [2], in: s, see wisp_update_loss_scale; or null for none
 *   count         long long
 *   first_step    int                  0 or 1: whether velocities are set, not updated
 *   max_norm      float
 *   weight_decay  float
 *   momentum      float
 *
 * Grid (first[count], 1, 1), the same for wisp_sgd_step_naive. 20 bytes an element (12 without
 * velocity), 7 operations: bandwidth, 34 G elements/s, 1.25 ms for 42 M parameters on a Titan RTX.
 */
extern "C" __global__ void __launch_bounds__(kBlock, 4)
    wisp_sgd_step(float* const* __restrict__ weights, const float* const* __restrict__ gradients,
                  float* const* __restrict__ velocities, const long long* __restrict__ sizes,
                  const long long* __restrict__ first, const float* __restrict__ rates,
                  const float* __restrict__ norm, const float* __restrict__ loss_scale,
                  long long count, int first_step, float max_norm, float weight_decay,
                  float momentum) {
  const long long piece = blockIdx.x;
  if (piece >= first[count]) return;
  const Place place(sizes, first, count, piece);
  float* __restrict__ w = weights[place.array] + place.begin;
  const float* __restrict__ g = gradients[place.array] + place.begin;
  float* velocity = velocities[place.array];
  const Step step = {gradient_factor(*norm, max_norm, loss_scale),
                     rates[place.array],
                     weight_decay,
                     momentum,
                     velocity != nullptr,
                     first_step != 0};
  float* __restrict__ v = velocity + (step.has_velocity ? place.begin : 0);
  if (is_skipped(*norm, loss_scale)) {
    if (step.has_velocity && step.first)
      for (int i = threadIdx.x; i < place.length; i += kBlock) v[i] = 0.0f;
    return;
  }
  const bool reads = step.has_velocity && !step.first;
  int i = 0;
  if (aligned(w) && aligned(g) && aligned(v)) {
    const int whole = place.length / kVector * kVector;
#pragma unroll 2
    for (int at = kVector * threadIdx.x; at < whole; at += kVector * kBlock) {
      const float4 gradient = load4(g + at);
      float4 weight = load4(w + at), speed = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
      if (reads) speed = load4(v + at);
      step.apply(gradient.x, weight.x, speed.x);
      step.apply(gradient.y, weight.y, speed.y);
      step.apply(gradient.z, weight.z, speed.z);
      step.apply(gradient.w, weight.w, speed.w);
      store4(w + at, weight);
      if (step.has_velocity) store4(v + at, speed);
    }
    i = whole;
  }
  for (i += threadIdx.x; i < place.length; i += kBlock) {
    float speed = reads ? v[i] : 0.0f;
    step.apply(g[i], w[i], speed);
    if (step.has_velocity) v[i] = speed;
  }
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sgd_step_naive(float* const* __restrict__ weights,
                        const float* const* __restrict__ gradients,
                        float* const* __restrict__ velocities, const long long* __restrict__ sizes,
                        const long long* __restrict__ first, const float* __restrict__ rates,
                        const float* __restrict__ norm, const float* __restrict__ loss_scale,
                        long long count, int first_step, float max_norm, float weight_decay,
                        float momentum) {
  const long long piece = blockIdx.x;
  if (piece >= first[count]) return;
  long long array = 0;
  while (first[array + 1] <= piece) ++array;
  const float factor = gradient_factor(*norm, max_norm, loss_scale);
  const bool skipped = is_skipped(*norm, loss_scale);
  float *w = weights[array], *v = velocities[array];
  const long long begin = (piece - first[array]) * kPiece;
  for (long long i = begin + threadIdx.x; i < sizes[array] && i < begin + kPiece; i += kBlock) {
    if (skipped) {
      if (v != nullptr && first_step != 0) v[i] = 0.0f;
      continue;
    }
    float change =
        __fadd_rn(__fmul_rn(factor, gradients[array][i]), __fmul_rn(weight_decay, w[i]));
    if (v != nullptr && first_step == 0) change = __fadd_rn(__fmul_rn(momentum, v[i]), change);
    if (v != nullptr) v[i] = change;
    w[i] = __fsub_rn(w[i], __fmul_rn(rates[array], change));
  }
}

/*
 * wisp_update_loss_scale: dynamic loss scaling after a step (Micikevicius et al., Mixed Precision
 * Training, 2018, section 3.2). A finite norm is a good step; with `interval` of them since its
 * last change the scale doubles, to at most 2^24. Another norm halves it, to at least 1.
 *
 *   norm        const float*  [1], in: from wisp_gradient_norm
 *   loss_scale  float*        [2], in and out: the scale; good steps since its last change
 *   interval    int           1 to 2^24, which a float still counts
 *
 * Grid (1, 1, 1), block (1, 1, 1). 20 bytes: the launch is all it costs. No naive sibling: this is
 * one.
 */
extern "C" __global__ void __launch_bounds__(1)
    wisp_update_loss_scale(const float* __restrict__ norm, float* __restrict__ loss_scale,
                           int interval) {
  const bool finite = isfinite(*norm);
  const float scale = loss_scale[0], good = loss_scale[1] + 1.0f;
  const bool due = good >= static_cast<float>(interval);
  if (!finite)
    loss_scale[0] = fmaxf(scale / 2.0f, 1.0f);
  else if (due)
    loss_scale[0] = fminf(scale * 2.0f, 16777216.0f);
  loss_scale[1] = !finite || due ? 0.0f : good;
}
