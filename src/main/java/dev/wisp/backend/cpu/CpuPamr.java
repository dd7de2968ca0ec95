package dev.wisp.backend.cpu;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOps;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link PamrOps} by native/src/kernels/pamr_affinity.cpp and pamr_steps.cpp. */
final class CpuPamr implements PamrOps {
  private final CpuContext context;

  CpuPamr(CpuContext context) {
    this.context = context;
  }

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    Call call = context.call("pamrAffinity");
    MemorySegment image = call.in("guide", guide, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    Shape shape = guide.shape();
    long n = shape.size(0);
    long h = shape.size(1);
    long w = shape.size(2);
    long c = shape.size(3);
    call.require(c > 0, "the guide has no channels");
    long taps = options.neighbours();
    MemorySegment weights = call.out("affinity", affinity, n, taps, h, w);
    MemorySegment deviations = call.outOrNull("std", std, n, c, h, w);
    MemorySegment logits = call.outOrNull("logit", logit, n, taps, h, w);
    int[] distances = options.dilations();
    MemorySegment dilations = call.ints(distances);
    float sigma = options.kernel() == PamrOptions.Kernel.GAUSSIAN ? options.sigma() : 0;
    call.run(
        () ->
            (int)
                NativeKernels.PAMR_AFFINITY.invokeExact(
                    image,
                    n,
                    h,
                    w,
                    c,
                    dilations,
                    (long) distances.length,
                    sigma,
                    weights,
                    deviations,
                    logits));
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    Call call = context.call("pamrSteps");
    long n = classes.images();
    MemorySegment weights =
        call.in("affinity", affinity, n, options.neighbours(), Call.ANY, Call.ANY);
    long h = affinity.shape().size(2);
    long w = affinity.shape().size(3);
    MemorySegment source = call.in("maps", maps, classes.rows(), h, w);
    MemorySegment target = call.out("out", out, classes.rows(), h, w);
    int[] distances = options.dilations();
    MemorySegment dilations = call.ints(distances);
    MemorySegment offsets = call.ints(classes.offsets());
    call.run(
        () ->
            (int)
                NativeKernels.PAMR_STEPS.invokeExact(
                    weights,
                    h,
                    w,
                    dilations,
                    (long) distances.length,
                    (long) options.iterations(),
                    source,
                    n,
                    offsets,
                    target));
  }
}
