package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.tensor.DType;

/** Between float32 tensors and float16 operands, {@code cuda/half.cu}. */
final class CudaHalf {
  private static final String FILE = "half";
  private static final int THREADS = 256;

  /** Elements a block of a fast kernel covers. */
  private static final int SPAN = 4 * THREADS;

  private final CudaContext context;
  private final CudaKernel toHalf;
  private final CudaKernel fromHalf;
  private final CudaKernel convFinishHalf;

  CudaHalf(CudaContext context) {
    this.context = context;
    toHalf = context.judged(FILE, "wisp_to_half", pointer("source"), pointer("target"), i64("n"));
    fromHalf =
        context.judged(FILE, "wisp_from_half", pointer("source"), pointer("target"), i64("n"));
    convFinishHalf =
        context.judged(
            FILE,
            "wisp_conv_finish_half",
            pointer("product"),
            pointer("bias"),
            pointer("residual"),
            pointer("y"),
            i64("positions"),
            i32("channels"),
            i32("relu"));
  }

  /** A copy in float16 of n float32, in the call's workspace. */
  long narrowed(CudaCall call, long source, long n) {
    long target = call.workspace(n * DType.F16.bytes());
    narrow(source, target, n);
    return target;
  }

  /** A copy in float32 of n float16, in the call's workspace. */
  long widened(CudaCall call, long source, long n) {
    long target = call.workspace(n * DType.F32.bytes());
    widen(source, target, n);
    return target;
  }

  /** Rounds n float32 to float16. */
  void narrow(long source, long target, long n) {
    toHalf.pointer(source).pointer(target).i64(n).launch(blocks(n), THREADS, 0);
  }

  /** Widens n float16 to float32. */
  void widen(long source, long target, long n) {
    fromHalf.pointer(source).pointer(target).i64(n).launch(blocks(n), THREADS, 0);
  }

  /** {@link CudaLayouts#finish} of a product in float16, which is not y. */
  void finish(long product, long bias, long residual, long y, ConvolutionSizes s, boolean relu) {
    convFinishHalf
        .pointer(product)
        .pointer(bias)
        .pointer(residual)
        .pointer(y)
        .i64(s.outputs())
        .i32(s.spec().outChannels())
        .i32(relu ? 1 : 0)
        .launch(blocks(s.outputElements()), THREADS, 0);
  }

  private long blocks(long elements) {
    return Math.ceilDiv(elements, context.naive() ? THREADS : SPAN);
  }
}
