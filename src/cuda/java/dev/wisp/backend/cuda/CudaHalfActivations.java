package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/**
 * What surrounds convolutions of tensors that are float16 in memory, {@code
 * cuda/half_activations.cu}. Addresses are those of float16, but the bias's.
 */
final class CudaHalfActivations {
  static final String FILE = "half_activations";

  private static final int THREADS = 256;

  /** Elements a block of a fast kernel covers. */
  private static final int SPAN = 8 * THREADS;

  private final CudaContext context;
  private final CudaKernel finish;
  private final CudaKernel addScaled;
  private final CudaKernel reluBackward;

  CudaHalfActivations(CudaContext context) {
    this.context = context;
    finish =
        context.judged(
            FILE,
            "wisp_half_finish",
            pointer("product"),
            pointer("bias"),
            pointer("residual"),
            pointer("y"),
            i64("positions"),
            i32("channels"),
            i32("relu"));
    addScaled =
        context.judged(
            FILE,
            "wisp_half_add_scaled",
            pointer("source"),
            pointer("target"),
            i64("n"),
            f32("factor"));
    reluBackward =
        context.judged(
            FILE,
            "wisp_half_relu_backward",
            pointer("y"),
            pointer("dy"),
            pointer("extra"),
            pointer("dx"),
            i64("n"));
  }

  /** {@link CudaLayouts#finish}; y may be the product or the residual. */
  void finish(long product, long bias, long residual, long y, ConvolutionSizes s, boolean relu) {
    finish
        .pointer(product)
        .pointer(bias)
        .pointer(residual)
        .pointer(y)
        .i64(s.outputs())
        .i32(s.spec().outChannels())
        .i32(relu ? 1 : 0);
    launch(finish, s.outputElements());
  }

  /** {@link dev.wisp.backend.PointwiseOps#addScaled} of n elements. */
  void addScaled(long source, long target, long n, float factor) {
    launch(addScaled.pointer(source).pointer(target).i64(n).f32(factor), n);
  }

  /** {@link dev.wisp.backend.PointwiseOps#reluBackward} of n elements. */
  void reluBackward(long y, long dy, long extra, long dx, long n) {
    launch(reluBackward.pointer(y).pointer(dy).pointer(extra).pointer(dx).i64(n), n);
  }

  private void launch(CudaKernel kernel, long elements) {
    kernel.launch(Math.ceilDiv(elements, context.naive() ? THREADS : SPAN), THREADS, 0);
  }
}
