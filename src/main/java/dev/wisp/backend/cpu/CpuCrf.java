package dev.wisp.backend.cpu;

import dev.wisp.backend.CrfOps;
import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link CrfOps} by native/src/kernels/lattice.cpp and crf.cpp. */
final class CpuCrf implements CrfOps {
  private final CpuContext context;

  CpuCrf(CpuContext context) {
    this.context = context;
  }

  @Override
  public void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    Call call = context.call("latticeFilter");
    MemorySegment source = call.in("values", values, Call.ANY, Call.ANY, Call.ANY);
    Shape shape = values.shape();
    long channels = shape.size(0);
    long h = shape.size(1);
    long w = shape.size(2);
    MemorySegment colours = call.inOrNull("image", image, h, w, 3);
    MemorySegment target = call.out("out", out, channels, h, w);
    call.run(
        () ->
            (int)
                NativeKernels.LATTICE_FILTER.invokeExact(
                    colours, h, w, spatial, colour, source, channels, target));
  }

  @Override
  public void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    Call call = context.call("denseCrf");
    MemorySegment energies = call.in("unary", unary, Call.ANY, Call.ANY, Call.ANY);
    Shape shape = unary.shape();
    long labels = shape.size(0);
    long h = shape.size(1);
    long w = shape.size(2);
    MemorySegment colours = call.in("image", image, h, w, 3);
    MemorySegment target = call.out("q", q, labels, h, w);
    call.run(
        () ->
            (int)
                NativeKernels.DENSE_CRF.invokeExact(
                    energies,
                    colours,
                    labels,
                    h,
                    w,
                    (long) options.steps(),
                    options.gaussianSpatial(),
                    options.gaussianCompat(),
                    options.bilateralSpatial(),
                    options.bilateralColour(),
                    options.bilateralCompat(),
                    target));
  }
}
