package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ConvolutionOps;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Max pooling 3x3, stride 2, padding 1 on the device, {@code cuda/pooling.cu} and, of float16,
 * {@code cuda/half_pooling.cu}.
 */
final class CudaPooling {
  private static final String FILE = "pooling";
  private static final String HALF_FILE = "half_pooling";
  private static final int THREADS = 256;

  /** Elements that a warp of the float16 kernel takes. */
  private static final int HALF_SPAN = 256;

  private final CudaContext context;
  private final CudaKernel maxPool;
  private final CudaKernel maxPoolBackward;
  private final CudaKernel halfMaxPool;

  CudaPooling(CudaContext context) {
    this.context = context;
    maxPool =
        context.judged(
            FILE,
            "wisp_max_pool",
            pointer("x"),
            pointer("y"),
            pointer("index"),
            i64("n"),
            i32("h"),
            i32("w"),
            i32("c"));
    maxPoolBackward =
        context.judged(
            FILE,
            "wisp_max_pool_backward",
            pointer("dy"),
            pointer("index"),
            pointer("dx"),
            i64("n"),
            i32("h"),
            i32("w"),
            i32("c"));
    halfMaxPool =
        context.judged(
            HALF_FILE,
            "wisp_half_max_pool",
            pointer("x"),
            pointer("y"),
            pointer("index"),
            i64("n"),
            i32("h"),
            i32("w"),
            i32("c"));
  }

  private void halfMaxPool(long x, long y, long index, long n, long h, long w, long c) {
    halfMaxPool.pointer(x).pointer(y).pointer(index).i64(n).i32(h).i32(w).i32(c);
    launch(halfMaxPool, n * pooled(h), pooled(w) * c, HALF_SPAN);
  }

  private void maxPool(long x, long y, long index, long n, long h, long w, long c) {
    maxPool.pointer(x).pointer(y).pointer(index).i64(n).i32(h).i32(w).i32(c);
    launch(maxPool, n * pooled(h), pooled(w) * c, CudaRows.SPAN);
  }

  private void maxPoolBackward(long dy, long index, long dx, long n, long h, long w, long c) {
    maxPoolBackward.pointer(dy).pointer(index).pointer(dx).i64(n).i32(h).i32(w).i32(c);
    launch(maxPoolBackward, n * h, w * c, CudaRows.SPAN);
  }

  private void launch(CudaKernel kernel, long rows, long length, int span) {
    if (context.naive()) {
      kernel.launchOver(rows * length, THREADS);
    } else {
      CudaRows.launch(kernel, rows, length, span);
    }
  }

  /** {@link ConvolutionOps#maxPool}. */
  void maxPool(Tensor x, Tensor y, @Nullable Tensor index) {
    CudaCall call = context.call("maxPool");
    DType type = CudaCall.real(x);
    long from = call.in("x", type, x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    requireImage(call, shape);
    long[] pooled = {shape[0], pooled(shape[1]), pooled(shape[2]), shape[3]};
    long to = call.out("y", type, y, pooled);
    long winners = call.outIntsOrNull("index", index, pooled);
    call.run(
        () -> {
          if (type == DType.F16) {
            halfMaxPool(from, to, winners, shape[0], shape[1], shape[2], shape[3]);
          } else {
            maxPool(from, to, winners, shape[0], shape[1], shape[2], shape[3]);
          }
        });
  }

  /** {@link ConvolutionOps#maxPoolBackward}. */
  void maxPoolBackward(Tensor dy, Tensor index, Tensor dx) {
    CudaCall call = context.call("maxPoolBackward");
    long to = call.out("dx", dx, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = dx.shape().toArray();
    requireImage(call, shape);
    long[] pooled = {shape[0], pooled(shape[1]), pooled(shape[2]), shape[3]};
    long from = call.in("dy", dy, pooled);
    long winners = call.inInts("index", index, pooled);
    call.run(() -> maxPoolBackward(from, winners, to, shape[0], shape[1], shape[2], shape[3]));
  }

  private static long pooled(long size) {
    return (size - 1) / 2 + 1;
  }

  /** Winners are stored as ints. */
  private static void requireImage(CudaCall call, long[] shape) {
    call.require(
        shape[1] > 0 && shape[2] > 0 && shape[1] <= Integer.MAX_VALUE / shape[2],
        "needs 1..2^31-1 positions");
  }
}
