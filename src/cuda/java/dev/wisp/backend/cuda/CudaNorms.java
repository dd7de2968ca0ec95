package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.NormOps;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** L2 normalisation on the device, {@code cuda/l2_normalize.cu}; batch norm by CudaBatchNorm. */
final class CudaNorms implements NormOps {
  private static final String FILE = "l2_normalize";
  private static final int THREADS = 256;

  /** Threads of a position in the fast kernels, and positions of a block. */
  private static final int LANES = 32;

  private static final int ROWS = 8;

  private final CudaContext context;
  private final CudaBatchNorm batchNorm;
  private final CudaKernel l2Normalize;
  private final CudaKernel l2NormalizeBackward;

  CudaNorms(CudaContext context) {
    this.context = context;
    batchNorm = new CudaBatchNorm(context);
    l2Normalize =
        context.judged(
            FILE,
            "wisp_l2_normalize",
            pointer("x"),
            pointer("y"),
            pointer("norms"),
            i64("positions"),
            i32("c"),
            f32("eps"));
    l2NormalizeBackward =
        context.judged(
            FILE,
            "wisp_l2_normalize_backward",
            pointer("x"),
            pointer("norms"),
            pointer("dy"),
            pointer("dx"),
            i64("positions"),
            i32("c"),
            f32("eps"));
  }

  private void launch(CudaKernel kernel, long positions) {
    if (context.naive()) {
      kernel.launchOver(positions, THREADS);
    } else {
      kernel.launch(Math.ceilDiv(positions, ROWS), 1, 1, LANES, ROWS, 0);
    }
  }

  private void l2Normalize(long x, long y, long norms, long positions, long c, float eps) {
    l2Normalize.pointer(x).pointer(y).pointer(norms).i64(positions).i32(c).f32(eps);
    launch(l2Normalize, positions);
  }

  private void l2NormalizeBackward(
      long x, long norms, long dy, long dx, long positions, long c, float eps) {
    l2NormalizeBackward
        .pointer(x)
        .pointer(norms)
        .pointer(dy)
        .pointer(dx)
        .i64(positions)
        .i32(c)
        .f32(eps);
    launch(l2NormalizeBackward, positions);
  }

  @Override
  public void l2Normalize(Tensor x, float eps, Tensor y, Tensor norms) {
    CudaCall call = context.call("l2Normalize");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long to = call.outOver("y", y, List.of("x"), shape);
    long lengths = call.out("norms", norms, shape[0], shape[1], shape[2]);
    long positions = shape[0] * shape[1] * shape[2];
    call.run(() -> l2Normalize(from, to, lengths, positions, shape[3], eps));
  }

  @Override
  public void l2NormalizeBackward(Tensor x, Tensor norms, Tensor dy, float eps, Tensor dx) {
    CudaCall call = context.call("l2NormalizeBackward");
    long from = call.in("x", x, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = x.shape().toArray();
    long lengths = call.in("norms", norms, shape[0], shape[1], shape[2]);
    long gradient = call.in("dy", dy, shape);
    long to = call.out("dx", dx, shape);
    long positions = shape[0] * shape[1] * shape[2];
    call.run(() -> l2NormalizeBackward(from, lengths, gradient, to, positions, shape[3], eps));
  }

  @Override
  public void batchNormForward(
      Tensor x,
      Tensor gamma,
      Tensor beta,
      float eps,
      @Nullable Tensor residual,
      boolean relu,
      Tensor y,
      Tensor mean,
      Tensor invStd) {
    batchNorm.forward(x, gamma, beta, eps, residual, relu, y, mean, invStd);
  }

  @Override
  public void batchNormBackward(
      Tensor x,
      Tensor dy,
      Tensor gamma,
      Tensor mean,
      Tensor invStd,
      Tensor dx,
      Tensor dgamma,
      Tensor dbeta) {
    batchNorm.backward(x, dy, gamma, mean, invStd, dx, dgamma, dbeta);
  }

  @Override
  public void batchNormUpdate(
      Tensor mean,
      Tensor invStd,
      float eps,
      long count,
      float momentum,
      Tensor runningMean,
      Tensor runningVar) {
    batchNorm.update(mean, invStd, eps, count, momentum, runningMean, runningVar);
  }
}
