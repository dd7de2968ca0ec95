/*
 * Cropping and the scaled logistic function, of the SPI's IrnOps (method.md section 10).
 *
 * Every kernel here is one thread an element in block (256, 1, 1) without shared memory, bound by
 * bandwidth (672 GB/s on a Titan RTX) and run a few times a step on maps of at most some megabytes:
 * none has a naive sibling. No run on a GPU has been made.
 */

namespace {

constexpr int kBlock = 256;

__device__ inline long long thread_index() {
  return static_cast<long long>(blockIdx.x) * kBlock + threadIdx.x;
}

}  // namespace

/*
 * wisp_crop: target[b, y, x, offset + k] = source[b, y, x, k]; other channels stay.
 *
 *   source  const float*  [n, in_h, in_w, c], in
 *   target  float*        [n, out_h, out_w, out_c], out: channels [offset, offset + c)
 *   n, in_h, in_w, c, out_h, out_w, out_c, offset  long long; out_h <= in_h, out_w <= in_w, offset
 *                         + c <= out_c
 *
 * Grid (ceil(n out_h out_w c / 256), 1, 1). 8 bytes an element of the corner.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crop(const float* __restrict__ source, float* __restrict__ target, long long n,
              long long in_h, long long in_w, long long c, long long out_h, long long out_w,
              long long out_c, long long offset) {
  const long long i = thread_index();
  if (i >= n * out_h * out_w * c) return;
  const long long pixel = i / c, row = pixel / out_w, image = row / out_h;
  const long long from = (image * in_h + row - image * out_h) * in_w + pixel - row * out_w;
  target[pixel * out_c + offset + i - pixel * c] = source[from * c + i - pixel * c];
}

/*
 * wisp_crop_backward: d_source = d_target's channels inside the corner, 0 outside. Parameters as
 * wisp_crop.
 *
 *   d_target  const float*  [n, out_h, out_w, out_c], in: channels [offset, offset + c)
 *   d_source  float*        [n, in_h, in_w, c], out
 *   n, in_h, in_w, c, out_h, out_w, out_c, offset  long long
 *
 * Grid (ceil(n in_h in_w c / 256), 1, 1). 8 bytes an element of the corner, 4 of the rest.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_crop_backward(const float* __restrict__ d_target, float* __restrict__ d_source,
                       long long n, long long in_h, long long in_w, long long c, long long out_h,
                       long long out_w, long long out_c, long long offset) {
  const long long i = thread_index();
  if (i >= n * in_h * in_w * c) return;
  const long long pixel = i / c, row = pixel / in_w, image = row / in_h;
  const long long y = row - image * in_h, x = pixel - row * in_w;
  d_source[i] = y < out_h && x < out_w
                    ? d_target[((image * out_h + y) * out_w + x) * out_c + offset + i - pixel * c]
                    : 0.0f;
}

/*
 * wisp_sigmoid: out[i] = 1 / (1 + exp(-scale x[i])), in double: near 1 the boundary's affinity, 1 -
 * out, is what counts.
 *
 *   x      const float*  [n], in
 *   out    float*        [n], out; does not overlap x
 *   n      long long
 *   scale  float
 *
 * Grid (ceil(n / 256), 1, 1). 8 bytes, about 40 operations in double an element; 6 G elements/s.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sigmoid(const float* __restrict__ x, float* __restrict__ out, long long n, float scale) {
  const long long i = thread_index();
  if (i >= n) return;
  out[i] = static_cast<float>(1 / (1 + exp(-static_cast<double>(scale) * x[i])));
}

/*
 * wisp_sigmoid_backward: dx[i] = scale dy[i] (y[i] (1 - y[i])), y the output of wisp_sigmoid.
 *
 *   y      const float*  [n], in
 *   dy     const float*  [n], in
 *   dx     float*        [n], out; overlaps neither
 *   n      long long
 *   scale  float
 *
 * Grid (ceil(n / 256), 1, 1). 12 bytes, 4 operations an element.
 */
extern "C" __global__ void __launch_bounds__(kBlock)
    wisp_sigmoid_backward(const float* __restrict__ y, const float* __restrict__ dy,
                          float* __restrict__ dx, long long n, float scale) {
  const long long i = thread_index();
  if (i >= n) return;
  dx[i] = scale * dy[i] * (y[i] * (1.0f - y[i]));
}
