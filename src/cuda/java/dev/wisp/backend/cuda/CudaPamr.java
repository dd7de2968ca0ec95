package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.PamrOps;
import dev.wisp.backend.PamrOptions;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link PamrOps} by cuda/pamr_affinity.cu and pamr_steps.cu. */
final class CudaPamr implements PamrOps {
  private static final int THREADS = 128;

  /**
   * Dilations whose taps the fast affinity kernel can hold in registers; more take the naive one.
   */
  private static final int FAST_DILATIONS = 6;

  private static final long MOST_IMAGES = 65535;

  private final CudaContext context;
  private final CudaCopy copy;
  private final CudaKernel affinity;
  private final CudaKernel affinityOfAny;
  private final CudaKernel step;

  CudaPamr(CudaContext context) {
    this.context = context;
    copy = new CudaCopy(context);
    affinityOfAny = affinityKernel("wisp_pamr_affinity_naive");
    affinity = context.naive() ? affinityOfAny : affinityKernel("wisp_pamr_affinity");
    step =
        context.judged(
            "pamr_steps",
            "wisp_pamr_step",
            pointer("affinity"),
            pointer("dilations"),
            pointer("now"),
            pointer("offsets"),
            pointer("next"),
            i64("n"),
            i64("h"),
            i64("w"),
            i32("dilation_count"));
  }

  private CudaKernel affinityKernel(String name) {
    return context.kernel(
        "pamr_affinity",
        name,
        pointer("guide"),
        pointer("dilations"),
        pointer("affinity"),
        pointer("deviation"),
        pointer("logit"),
        i64("n"),
        i64("h"),
        i64("w"),
        i64("c"),
        i32("dilation_count"),
        f32("sigma"));
  }

  /** Refuses what the kernels' 32-bit positions and the grid cannot hold. */
  private static void requireFits(CudaCall call, long n, long h, long w, long c) {
    call.require(
        n <= MOST_IMAGES && h * w * c <= Integer.MAX_VALUE,
        "more than %d images, or an image of 2^31 values or more".formatted(MOST_IMAGES));
  }

  @Override
  public void pamrAffinity(
      Tensor guide,
      PamrOptions options,
      Tensor affinity,
      @Nullable Tensor std,
      @Nullable Tensor logit) {
    CudaCall call = context.call("pamrAffinity");
    long image = call.in("guide", guide, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    Shape shape = guide.shape();
    long n = shape.size(0);
    long h = shape.size(1);
    long w = shape.size(2);
    long c = shape.size(3);
    call.require(c > 0, "the guide has no channels");
    requireFits(call, n, h, w, c);
    long taps = options.neighbours();
    long weights = call.out("affinity", affinity, n, taps, h, w);
    long deviations = call.outOrNull("std", std, n, c, h, w);
    long logits = call.outOrNull("logit", logit, n, taps, h, w);
    int[] distances = options.dilations();
    float sigma = options.kernel() == PamrOptions.Kernel.GAUSSIAN ? options.sigma() : 0;
    CudaKernel kernel = distances.length <= FAST_DILATIONS ? this.affinity : affinityOfAny;
    call.run(
        () ->
            affinity(
                kernel,
                image,
                call.ints(distances),
                weights,
                deviations,
                logits,
                n,
                h,
                w,
                c,
                distances.length,
                sigma));
  }

  private static void affinity(
      CudaKernel kernel,
      long guide,
      long dilations,
      long affinity,
      long deviation,
      long logit,
      long n,
      long h,
      long w,
      long c,
      int dilationCount,
      float sigma) {
    kernel
        .pointer(guide)
        .pointer(dilations)
        .pointer(affinity)
        .pointer(deviation)
        .pointer(logit)
        .i64(n)
        .i64(h)
        .i64(w)
        .i64(c)
        .i32(dilationCount)
        .f32(sigma)
        .launch(Math.ceilDiv(h * w, THREADS), n, 1, THREADS, 1, 0);
  }

  @Override
  public void pamrSteps(
      Tensor affinity, Tensor maps, ClassRows classes, PamrOptions options, Tensor out) {
    CudaCall call = context.call("pamrSteps");
    long n = classes.images();
    long weights =
        call.in("affinity", affinity, n, options.neighbours(), CudaCall.ANY, CudaCall.ANY);
    long h = affinity.shape().size(2);
    long w = affinity.shape().size(3);
    requireFits(call, n, h, w, 1);
    long source = call.in("maps", maps, classes.rows(), h, w);
    long target = call.out("out", out, classes.rows(), h, w);
    long elements = classes.rows() * h * w;
    int[] distances = options.dilations();
    int iterations = options.iterations();
    call.run(
        () -> {
          if (iterations == 0) {
            copy.launch(source, target, elements);
            return;
          }
          long dilations = call.ints(distances);
          long offsets = context.rows(classes).offsets();
          // The last step writes the result; those before alternate with a second buffer.
          long other = iterations > 1 ? call.workspace(elements * Float.BYTES) : 0;
          long now = source;
          for (int left = iterations - 1; left >= 0; left--) {
            long next = left % 2 == 0 ? target : other;
            step(weights, dilations, now, offsets, next, n, h, w, distances.length);
            now = next;
          }
        });
  }

  private void step(
      long affinity,
      long dilations,
      long now,
      long offsets,
      long next,
      long n,
      long h,
      long w,
      int dilationCount) {
    step.pointer(affinity)
        .pointer(dilations)
        .pointer(now)
        .pointer(offsets)
        .pointer(next)
        .i64(n)
        .i64(h)
        .i64(w)
        .i32(dilationCount)
        .launch(Math.ceilDiv(h * w, THREADS), n, 1, THREADS, 1, 0);
  }
}
