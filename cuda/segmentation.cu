/*
 * A segmentation network's last steps, the SPI's SegmentationOps (dropout: dropout.cu): scores [n,
 * h, w, k] read as if resized to [n, out_h, out_w, k] (bilinear, half-pixel as in resize.cu;
 * method.md section 11).
 *
 * The resized scores are never stored. Whoever needs one mixes it anew from its four taps, 9
 * operations, which lie in the L1 cache: eight neighbouring pixels share them at the network's
 * stride. What is kept of a pixel is 8 bytes, its largest score and the inverse of the sum of its
 * exponentials, from which any class's probability follows with one exponential.
 *
 * Common to all: block (256, 1, 1), no dynamic shared memory, no atomics: the same bits every run.
 * Sums over pixels are in double, threads of a block as a tree, then blocks in ascending order; a
 * gradient's sum over the pixels that read it is in float32, rows in ascending order.
 *
 * Bounds on a Titan RTX (16.3 TFLOP/s, 672 GB/s), for 16 images of 321 x 321 with 21 classes from
 * 41 x 41 scores, about 35 operations a resized score with its exponential: the pixels' pass 1.2 G
 * operations, 0.1 ms; the gradient's, which computes each probability in up to four places, 5 G,
 * 0.3 ms. Storing the resized scores instead would move 138 MB at least four times, 0.8 ms, and
 * hold them. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;
constexpr unsigned kAll = 0xffffffffu;
/* Pixels a block of wisp_pixel_softmax covers; part of the workspace's formula. */
constexpr int kPiece = kBlock;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

/* Where a pixel reads along one axis: low + t (high - low). */
struct Tap {
  int low, high;
  float t;
};

/* One axis of the resizing. */
struct Axis {
  int in, out;
  float scale;

  __device__ Axis(int in_size, int out_size)
      : in(in_size),
        out(out_size),
        scale(static_cast<float>(in_size) / static_cast<float>(out_size)) {}

  __device__ Tap tap(int o) const {
    float at = __fsub_rn(__fmul_rn(static_cast<float>(o) + 0.5f, scale), 0.5f);
    if (!(at > 0.0f)) at = 0.0f;
    Tap tap;
    tap.low = min(static_cast<int>(at), in - 1);
    tap.high = min(tap.low + 1, in - 1);
    tap.t = fminf(__fsub_rn(at, static_cast<float>(tap.low)), 1.0f);
    return tap;
  }

  /*
   * The first pixel that may read source coordinate s: low is s or s - 1. low never falls as o
   * grows, so a guess and steps from it find the very place, whatever the guess's rounding.
   */
  __device__ int first_reader(int s) const {
    const float guess = (static_cast<float>(s) - 0.5f) / scale - 0.5f;
    int o = guess > 0.0f ? (guess < static_cast<float>(out - 1) ? static_cast<int>(guess) : out - 1)
                         : 0;
    while (o > 0 && tap(o - 1).low >= s - 1) --o;
    while (o < out && tap(o).low < s - 1) ++o;
    return o;
  }

  /* The weight with which a tap reads source coordinate s. */
  __device__ static float weight(Tap tap, int s) {
    return (tap.low == s ? 1.0f - tap.t : 0.0f) + (tap.high == s ? tap.t : 0.0f);
  }
};

/* a + t (b - a), never fused. A weight of 0 reads a alone: what b is does not matter then. */
__device__ inline float mix(float a, float b, float t) {
  return t == 0.0f ? a : __fadd_rn(a, __fmul_rn(t, __fsub_rn(b, a)));
}

/* The four source pixels of a pixel of the image and their weights. */
struct Pixel {
  const float *a, *b, *d, *e;
  float tx, ty;

  __device__ Pixel(const float* logits, long long pixel, int h, int w, int k, int out_h,
                   int out_w) {
    const long long row = pixel / out_w, image = row / out_h;
    const Tap down = Axis(h, out_h).tap(static_cast<int>(row - image * out_h));
    const Tap across = Axis(w, out_w).tap(static_cast<int>(pixel - row * out_w));
    const float* top = logits + (image * h + down.low) * w * k;
    const float* bottom = logits + (image * h + down.high) * w * k;
    const long long left = static_cast<long long>(across.low) * k;
    const long long right = static_cast<long long>(across.high) * k;
    a = top + left;
    b = top + right;
    d = bottom + left;
    e = bottom + right;
    tx = across.t;
    ty = down.t;
  }

  __device__ float score(int c) const { return mix(mix(a[c], b[c], tx), mix(d[c], e[c], tx), ty); }
};

/* The sum over the block's threads, in thread 0 only. part: one double a warp, shared. */
__device__ inline double block_sum(double value, double* part) {
  for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (lane == 0) part[warp] = value;
  __syncthreads();
  if (warp == 0) {
    value = lane < kBlock / 32 ? part[lane] : 0.0;
    for (int step = 16; step > 0; step /= 2) value += __shfl_down_sync(kAll, value, step);
  }
  return value;
}

/*
 * A pixel's softmax for the passes behind: its largest score and the inverse of its sum. Returns
 * its part of the loss, log sum exp(z - largest) - (z_label - largest); label is -1 for none.
 */
__device__ inline double softmax_of(const Pixel& at, int k, int label, float2* softmax) {
  float largest = at.score(0);
  for (int c = 1; c < k; ++c) largest = fmaxf(largest, at.score(c));
  float sum = 0.0f;
  for (int c = 0; c < k; ++c) sum += expf(at.score(c) - largest);
  if (softmax != nullptr) *softmax = make_float2(largest, 1.0f / sum);
  if (label < 0) return 0.0;
  return logf(sum) - (at.score(label) - largest);
}

/* The label of a pixel, or -1 where there is none. */
__device__ inline int label_of(const unsigned char* labels, long long pixel, int k) {
  const int label = labels[pixel];
  return label < k ? label : -1;
}

}  // namespace

/*
 * wisp_pixel_softmax: per pixel of the image, the largest resized score and 1 / sum_c exp(z_c -
 * largest); with labels also the sums of the labelled pixels' losses, and how many they are. With
 * labels, pixels without one are left out: nothing is written of them.
 *
 *   logits        const float*          [n, h, w, k], in
 *   labels        const unsigned char*  [n, out_h, out_w], in: k or more is no label; or null
 *   softmax       float2*               [n, out_h, out_w], out; or null
 *   sums          double2*              [pieces], out, pieces = ceil(pixels / 256): loss, count;
 *                                       null where labels is
 *   n             long long
 *   h, w, k, out_h, out_w  int, each at least 1
 *
 * Grid (pieces, 1, 1). wisp_pixel_softmax_naive, a thread for each piece, pixel after pixel: grid
 * (ceil(pieces / 256), 1, 1). 4 bytes read a score, 9 moved a pixel; per pixel and class 9
 * operations for its score, twice, and 15 for its exponential. Bound: operations.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pixel_softmax(const float* __restrict__ logits, const unsigned char* __restrict__ labels,
                       float2* __restrict__ softmax, double2* __restrict__ sums, long long n, int h,
                       int w, int k, int out_h, int out_w) {
  __shared__ double part[2][kBlock / 32];
  const long long p = thread_index();
  double loss = 0, count = 0;
  if (p < n * out_h * out_w) {
    const int label = labels == nullptr ? -1 : label_of(labels, p, k);
    if (labels == nullptr || label >= 0)
      loss = softmax_of(Pixel(logits, p, h, w, k, out_h, out_w), k, label,
                        softmax == nullptr ? nullptr : softmax + p);
    count = label >= 0 ? 1 : 0;
  }
  if (sums == nullptr) return;
  loss = block_sum(loss, part[0]);
  count = block_sum(count, part[1]);
  if (threadIdx.x == 0) sums[blockIdx.x] = make_double2(loss, count);
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pixel_softmax_naive(const float* __restrict__ logits,
                             const unsigned char* __restrict__ labels,
                             float2* __restrict__ softmax, double2* __restrict__ sums, long long n,
                             int h, int w, int k, int out_h, int out_w) {
  const long long piece = thread_index(), pixels = n * out_h * out_w;
  if (piece * kPiece >= pixels) return;
  double loss = 0, count = 0;
  for (long long p = piece * kPiece; p < pixels && p < (piece + 1) * kPiece; ++p) {
    const int label = labels == nullptr ? -1 : label_of(labels, p, k);
    if (labels != nullptr && label < 0) continue;
    loss += softmax_of(Pixel(logits, p, h, w, k, out_h, out_w), k, label,
                       softmax == nullptr ? nullptr : softmax + p);
    count += label >= 0 ? 1 : 0;
  }
  if (sums != nullptr) sums[piece] = make_double2(loss, count);
}

/*
 * wisp_pixel_loss: the mean over labelled pixels, 0 without any.
 *
 *   sums    const double2*  [count], in: of wisp_pixel_softmax
 *   loss    float*          [1], out
 *   share   float*          [1], out: 1 / labelled pixels, or 0; for wisp_pixel_gradient
 *   count   long long
 *
 * Grid (1, 1, 1); wisp_pixel_loss_naive: block (1, 1, 1). 16 bytes, 2 operations a piece.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pixel_loss(const double2* __restrict__ sums, float* __restrict__ loss,
                    float* __restrict__ share, long long count) {
  __shared__ double part[2][kBlock / 32];
  double total = 0, labelled = 0;
  for (long long i = threadIdx.x; i < count; i += kBlock) {
    const double2 piece = sums[i];
    total += piece.x;
    labelled += piece.y;
  }
  total = block_sum(total, part[0]);
  labelled = block_sum(labelled, part[1]);
  if (threadIdx.x != 0) return;
  *loss = labelled > 0 ? static_cast<float>(total / labelled) : 0.0f;
  *share = labelled > 0 ? 1.0f / static_cast<float>(labelled) : 0.0f;
}

extern "C" __global__ void __launch_bounds__(1)
    wisp_pixel_loss_naive(const double2* __restrict__ sums, float* __restrict__ loss,
                          float* __restrict__ share, long long count) {
  double total = 0, labelled = 0;
  for (long long i = 0; i < count; ++i) {
    const double2 piece = sums[i];
    total += piece.x;
    labelled += piece.y;
  }
  *loss = labelled > 0 ? static_cast<float>(total / labelled) : 0.0f;
  *share = labelled > 0 ? 1.0f / static_cast<float>(labelled) : 0.0f;
}

/*
 * wisp_pixel_gradient: d_logits[b, y, x, c] = share sum over the labelled pixels p that read (y, x)
 * of weight(p, y, x) (softmax(p)_c - [c is p's label]), in ascending row, then column.
 *
 *   logits    const float*          [n, h, w, k], in
 *   labels    const unsigned char*  [n, out_h, out_w], in
 *   softmax   const float2*         [n, out_h, out_w], in: of wisp_pixel_softmax
 *   share     const float*          [1], in: of wisp_pixel_loss
 *   d_logits  float*                [n, h, w, k], out
 *   n         long long
 *   h, w, k, out_h, out_w  int, each at least 1
 *
 * Grid (ceil(n h w k / 256), 1, 1), a thread for each score. All pixels that read a score read it
 * and its eight neighbours alone, so a thread holds those nine of its class in registers and mixes
 * a pixel's score from them. wisp_pixel_gradient_naive, of the same grid, looks at every pixel of
 * the image. 8 bytes a score, 9 a pixel (its up to four readers and their classes meet in cache);
 * per pixel and class up to four times 35 operations. Bound: operations.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pixel_gradient(const float* __restrict__ logits, const unsigned char* __restrict__ labels,
                        const float2* __restrict__ softmax, const float* __restrict__ share,
                        float* __restrict__ d_logits, long long n, int h, int w, int k, int out_h,
                        int out_w) {
  const long long i = thread_index();
  if (i >= n * h * w * k) return;
  const long long pixel = i / k, row = pixel / w, image = row / h;
  const int c = static_cast<int>(i - pixel * k);
  const int y = static_cast<int>(row - image * h), x = static_cast<int>(pixel - row * w);
  /* Before the loads: divisions are calls on some cards, and would spill what is loaded. */
  const Axis rows(h, out_h), columns(w, out_w);
  const int first_row = rows.first_reader(y), first_column = columns.first_reader(x);
  float near[3][3];
#pragma unroll
  for (int dy = 0; dy < 3; ++dy) {
    const int sy = min(max(y + dy - 1, 0), h - 1);
#pragma unroll
    for (int dx = 0; dx < 3; ++dx) {
      const int sx = min(max(x + dx - 1, 0), w - 1);
      near[dy][dx] = logits[((image * h + sy) * w + sx) * k + c];
    }
  }
  float total = 0.0f;
  for (int oy = first_row; oy < out_h; ++oy) {
    const Tap down = rows.tap(oy);
    if (down.low > y) break;
    const float down_share = Axis::weight(down, y);
    if (down_share == 0.0f) continue;
    /* The two source rows: y - 1 and y, or y and y + 1. */
    const bool above = down.low < y;
    float top[3], bottom[3];
#pragma unroll
    for (int dx = 0; dx < 3; ++dx) {
      top[dx] = above ? near[0][dx] : near[1][dx];
      bottom[dx] = above ? near[1][dx] : near[2][dx];
    }
    const long long from = (image * out_h + oy) * out_w;
    float sum = 0.0f;
    for (int ox = first_column; ox < out_w; ++ox) {
      const Tap across = columns.tap(ox);
      if (across.low > x) break;
      const int label = labels[from + ox];
      const float across_share = Axis::weight(across, x);
      if (label >= k || across_share == 0.0f) continue;
      const bool left = across.low < x;
      const float upper = mix(left ? top[0] : top[1], left ? top[1] : top[2], across.t);
      const float lower = mix(left ? bottom[0] : bottom[1], left ? bottom[1] : bottom[2], across.t);
      const float2 of = softmax[from + ox];
      const float probability = expf(mix(upper, lower, down.t) - of.x) * of.y;
      sum += across_share * (c == label ? probability - 1.0f : probability);
    }
    total += down_share * sum;
  }
  d_logits[i] = *share * total;
}

extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_pixel_gradient_naive(const float* __restrict__ logits,
                              const unsigned char* __restrict__ labels,
                              const float2* __restrict__ softmax, const float* __restrict__ share,
                              float* __restrict__ d_logits, long long n, int h, int w, int k,
                              int out_h, int out_w) {
  const long long i = thread_index();
  if (i >= n * h * w * k) return;
  const long long pixel = i / k, row = pixel / w, image = row / h;
  const int c = static_cast<int>(i - pixel * k);
  const int y = static_cast<int>(row - image * h), x = static_cast<int>(pixel - row * w);
  float total = 0.0f;
  for (int oy = 0; oy < out_h; ++oy) {
    const float down_share = Axis::weight(Axis(h, out_h).tap(oy), y);
    for (int ox = 0; ox < out_w; ++ox) {
      const float weight = down_share * Axis::weight(Axis(w, out_w).tap(ox), x);
      const long long p = (image * out_h + oy) * out_w + ox;
      if (weight == 0.0f || labels[p] >= k) continue;
      const float z = Pixel(logits, p, h, w, k, out_h, out_w).score(c);
      const float probability = expf(z - softmax[p].x) * softmax[p].y;
      total += weight * (c == labels[p] ? probability - 1.0f : probability);
    }
  }
  d_logits[i] = *share * total;
}

/*
 * wisp_add_probabilities: probabilities[p, c] += softmax(p)_c.
 *
 *   logits         const float*   [n, h, w, k], in
 *   softmax        const float2*  [n, out_h, out_w], in: of wisp_pixel_softmax
 *   probabilities  float*         [n, out_h, out_w, k], in and out
 *   n              long long
 *   h, w, k, out_h, out_w  int, each at least 1
 *
 * Grid (ceil(n out_h out_w k / 256), 1, 1), a thread for each class of a pixel, so that a warp
 * writes neighbours. 8 bytes an element, 8 a pixel; about 45 operations an element. Bound:
 * bandwidth, 84 G elements/s. No naive sibling: this is one thread an element already.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_add_probabilities(const float* __restrict__ logits, const float2* __restrict__ softmax,
                           float* __restrict__ probabilities, long long n, int h, int w, int k,
                           int out_h, int out_w) {
  const long long i = thread_index();
  if (i >= n * out_h * out_w * k) return;
  const long long p = i / k;
  const float z = Pixel(logits, p, h, w, k, out_h, out_w).score(static_cast<int>(i - p * k));
  const float2 of = softmax[p];
  probabilities[i] += expf(z - of.x) * of.y;
}

/*
 * wisp_argmax_logits: labels[p] = the class of the largest resized score, the first among equals; a
 * NaN is passed over, and 0 is left where nothing is larger than -infinity.
 *
 *   logits  const float*  [n, h, w, k], in
 *   labels  int*          [n, out_h, out_w], out
 *   n       long long
 *   h, w, k, out_h, out_w  int, each at least 1
 *
 * Grid (ceil(n out_h out_w / 256), 1, 1). 4 bytes a score and a pixel; 11 operations a pixel and
 * class. Bound: operations, 1.4 T pixels times classes/s. No naive sibling: a thread takes one
 * pixel, class after class.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_argmax_logits(const float* __restrict__ logits, int* __restrict__ labels, long long n,
                       int h, int w, int k, int out_h, int out_w) {
  const long long p = thread_index();
  if (p >= n * out_h * out_w) return;
  const Pixel at(logits, p, h, w, k, out_h, out_w);
  float best = -__int_as_float(0x7f800000);
  int winner = 0;
  for (int c = 0; c < k; ++c) {
    const float z = at.score(c);
    if (z > best) {
      best = z;
      winner = c;
    }
  }
  labels[p] = winner;
}
