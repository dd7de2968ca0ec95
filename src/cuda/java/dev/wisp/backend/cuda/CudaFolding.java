package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ConvolutionOps;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** Folding of fixed batch norm into convolutions on the device, {@code cuda/fold_norm.cu}. */
final class CudaFolding {
  private static final String FILE = "fold_norm";
  private static final int THREADS = 256;

  private final CudaContext context;
  private final CudaKernel foldNorm;
  private final CudaKernel foldNormBackward;

  CudaFolding(CudaContext context) {
    this.context = context;
    foldNorm =
        context.kernel(
            FILE,
            "wisp_fold_norm",
            pointer("gamma"),
            pointer("beta"),
            pointer("mean"),
            pointer("var"),
            pointer("scale"),
            pointer("bias"),
            i64("channels"),
            f32("eps"));
    foldNormBackward =
        context.judged(
            FILE,
            "wisp_fold_norm_backward",
            pointer("dw_folded"),
            pointer("weight"),
            pointer("db"),
            pointer("gamma"),
            pointer("mean"),
            pointer("var"),
            pointer("dw"),
            pointer("dgamma"),
            i64("channels"),
            i64("fan_in"),
            f32("eps"));
  }

  private void foldNorm(
      long gamma, long beta, long mean, long var, long scale, long bias, long channels, float eps) {
    foldNorm
        .pointer(gamma)
        .pointer(beta)
        .pointer(mean)
        .pointer(var)
        .pointer(scale)
        .pointer(bias)
        .i64(channels)
        .f32(eps)
        .launchOver(channels, THREADS);
  }

  private void foldNormBackward(
      long dwFolded,
      long weight,
      long db,
      long gamma,
      long mean,
      long var,
      long dw,
      long dgamma,
      long channels,
      long fanIn,
      float eps) {
    foldNormBackward
        .pointer(dwFolded)
        .pointer(weight)
        .pointer(db)
        .pointer(gamma)
        .pointer(mean)
        .pointer(var)
        .pointer(dw)
        .pointer(dgamma)
        .i64(channels)
        .i64(fanIn)
        .f32(eps)
        .launch(context.naive() ? Math.ceilDiv(channels, THREADS) : channels, THREADS, 0);
  }

  /** {@link ConvolutionOps#foldNorm}. */
  void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    CudaCall call = context.call("foldNorm");
    long gammas = call.in("gamma", gamma, CudaCall.ANY);
    long channels = gamma.shape().size(0);
    long betas = call.in("beta", beta, channels);
    long means = call.in("mean", mean, channels);
    long vars = call.in("var", var, channels);
    long scales = call.out("scale", scale, 2, channels);
    long biases = call.out("bias", bias, channels);
    call.run(() -> foldNorm(gammas, betas, means, vars, scales, biases, channels, eps));
  }

  /** {@link ConvolutionOps#foldNormBackward}. */
  void foldNormBackward(
      Tensor dwFolded,
      Tensor weight,
      Tensor db,
      Tensor gamma,
      Tensor mean,
      Tensor var,
      float eps,
      Tensor dw,
      Tensor dgamma) {
    CudaCall call = context.call("foldNormBackward");
    long folded =
        call.in("dwFolded", dwFolded, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = dwFolded.shape().toArray();
    long channels = shape[0];
    long fanIn = shape[1] * shape[2] * shape[3];
    long weights = call.in("weight", weight, shape);
    long biases = call.in("db", db, channels);
    long gammas = call.in("gamma", gamma, channels);
    long means = call.in("mean", mean, channels);
    long vars = call.in("var", var, channels);
    long toWeights = call.outOver("dw", dw, List.of("dwFolded"), shape);
    long toGamma = call.out("dgamma", dgamma, channels);
    call.run(
        () ->
            foldNormBackward(
                folded, weights, biases, gammas, means, vars, toWeights, toGamma, channels, fanIn,
                eps));
  }
}
