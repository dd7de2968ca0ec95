package dev.wisp.backend.cpu;

import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Folding of fixed batch norm into convolutions on the CPU. */
final class CpuFolding {
  private final CpuContext context;

  CpuFolding(CpuContext context) {
    this.context = context;
  }

  void foldNorm(
      Tensor gamma, Tensor beta, Tensor mean, Tensor var, float eps, Tensor scale, Tensor bias) {
    Call call = context.call("foldNorm");
    MemorySegment gammas = call.in("gamma", gamma, Call.ANY);
    long channels = gamma.shape().size(0);
    MemorySegment betas = call.in("beta", beta, channels);
    MemorySegment means = call.in("mean", mean, channels);
    MemorySegment vars = call.in("var", var, channels);
    MemorySegment scales = call.out("scale", scale, 2, channels);
    MemorySegment biases = call.out("bias", bias, channels);
    call.run(
        () ->
            (int)
                NativeKernels.FOLD_NORM.invokeExact(
                    gammas, betas, means, vars, eps, scales, biases, channels));
  }

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
    Call call = context.call("foldNormBackward");
    MemorySegment folded = call.in("dwFolded", dwFolded, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] shape = dwFolded.shape().toArray();
    long channels = shape[0];
    long fanIn = shape[1] * shape[2] * shape[3];
    MemorySegment weights = call.in("weight", weight, shape);
    MemorySegment biases = call.in("db", db, channels);
    MemorySegment gammas = call.in("gamma", gamma, channels);
    MemorySegment means = call.in("mean", mean, channels);
    MemorySegment vars = call.in("var", var, channels);
    MemorySegment toWeights = call.outOver("dw", dw, List.of("dwFolded"), shape);
    MemorySegment toGamma = call.out("dgamma", dgamma, channels);
    call.run(
        () ->
            (int)
                NativeKernels.FOLD_NORM_BACKWARD.invokeExact(
                    folded, weights, biases, gammas, means, vars, eps, toWeights, toGamma, channels,
                    fanIn));
  }
}
