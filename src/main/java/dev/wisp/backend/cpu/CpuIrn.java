package dev.wisp.backend.cpu;

import dev.wisp.backend.IrnOps;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link IrnOps} by native/src/kernels: boundary.cpp, path_losses.cpp and random_walk.cpp. */
final class CpuIrn implements IrnOps {
  private final CpuContext context;

  CpuIrn(CpuContext context) {
    this.context = context;
  }

  @Override
  public void crop(Tensor source, Tensor target, int channelOffset) {
    Call call = context.call("crop");
    MemorySegment from = call.in("source", source, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] in = source.shape().toArray();
    MemorySegment to = call.out("target", target, in[0], Call.ANY, Call.ANY, Call.ANY);
    long[] out = target.shape().toArray();
    requireCorner(call, in, out, channelOffset);
    long offset = channelOffset;
    call.run(
        () ->
            (int)
                NativeIrnKernels.CROP.invokeExact(
                    from, to, in[0], in[1], in[2], in[3], out[1], out[2], out[3], offset));
  }

  @Override
  public void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource) {
    Call call = context.call("cropBackward");
    MemorySegment from = call.in("dTarget", dTarget, Call.ANY, Call.ANY, Call.ANY, Call.ANY);
    long[] out = dTarget.shape().toArray();
    MemorySegment to = call.out("dSource", dSource, out[0], Call.ANY, Call.ANY, Call.ANY);
    long[] in = dSource.shape().toArray();
    requireCorner(call, in, out, channelOffset);
    long offset = channelOffset;
    call.run(
        () ->
            (int)
                NativeIrnKernels.CROP_BACKWARD.invokeExact(
                    from, to, in[0], in[1], in[2], in[3], out[1], out[2], out[3], offset));
  }

  private static void requireCorner(Call call, long[] in, long[] out, int offset) {
    call.require(out[1] <= in[1] && out[2] <= in[2], "the target is larger than the source");
    call.require(
        offset >= 0 && offset <= out[3] - in[3],
        "channels from " + offset + " on do not lie inside the target's");
  }

  @Override
  public void sigmoid(Tensor x, float scale, Tensor out) {
    Call call = context.call("sigmoid");
    MemorySegment from = call.inAny("x", x);
    MemorySegment to = call.out("out", out, x.shape().toArray());
    long n = x.shape().elements();
    call.run(() -> (int) NativeIrnKernels.SIGMOID.invokeExact(from, scale, to, n));
  }

  @Override
  public void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx) {
    Call call = context.call("sigmoidBackward");
    long[] shape = y.shape().toArray();
    MemorySegment value = call.inAny("y", y);
    MemorySegment gradient = call.in("dy", dy, shape);
    MemorySegment to = call.out("dx", dx, shape);
    long n = y.shape().elements();
    call.run(
        () -> (int) NativeIrnKernels.SIGMOID_BACKWARD.invokeExact(value, gradient, scale, to, n));
  }

  /** Paths as the kernels take them, valid during the call. */
  private record Paths(long radius, MemorySegment offsets, MemorySegment coordinates, long count) {
    static Paths of(Call call, PathIndex paths) {
      return new Paths(
          paths.radius(),
          call.ints(paths.offsets()),
          call.ints(paths.coordinates()),
          paths.count());
    }
  }

  @Override
  public void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts) {
    Call call = context.call("pairCounts");
    MemorySegment labels = call.inInts("label", label, Call.ANY, Call.ANY, Call.ANY);
    long[] s = label.shape().toArray();
    MemorySegment to = call.out("counts", counts, s[0], 3);
    Paths p = Paths.of(call, paths);
    call.run(
        () ->
            (int)
                NativeIrnKernels.PAIR_COUNTS.invokeExact(
                    labels,
                    s[0],
                    s[1],
                    s[2],
                    p.radius(),
                    p.offsets(),
                    p.coordinates(),
                    p.count(),
                    classes,
                    to));
  }

  @Override
  public void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary) {
    Call call = context.call("pathAffinityLoss");
    MemorySegment labels = call.inInts("label", label, Call.ANY, Call.ANY, Call.ANY);
    long[] s = label.shape().toArray();
    MemorySegment from = call.in("boundary", boundary, s);
    MemorySegment sums = call.out("losses", losses, s[0], 3);
    MemorySegment gradient = call.outOrNull("dBoundary", dBoundary, s);
    call.require(weights.length == 3, weights.length + " weights for three losses");
    Paths p = Paths.of(call, paths);
    MemorySegment factors = call.floats(weights);
    call.run(
        () ->
            (int)
                NativeIrnKernels.PATH_AFFINITY_LOSS.invokeExact(
                    from,
                    labels,
                    s[0],
                    s[1],
                    s[2],
                    p.radius(),
                    p.offsets(),
                    p.coordinates(),
                    p.count(),
                    classes,
                    factors,
                    sums,
                    gradient));
  }

  @Override
  public void displacementLoss(
      Tensor displacement,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement) {
    Call call = context.call("displacementLoss");
    MemorySegment labels = call.inInts("label", label, Call.ANY, Call.ANY, Call.ANY);
    long[] s = label.shape().toArray();
    MemorySegment from = call.in("displacement", displacement, s[0], s[1], s[2], 2);
    MemorySegment sums = call.out("losses", losses, s[0], 2);
    MemorySegment gradient = call.outOrNull("dDisplacement", dDisplacement, s[0], s[1], s[2], 2);
    call.require(weights.length == 2, weights.length + " weights for two losses");
    Paths p = Paths.of(call, paths);
    MemorySegment factors = call.floats(weights);
    call.run(
        () ->
            (int)
                NativeIrnKernels.DISPLACEMENT_LOSS.invokeExact(
                    from,
                    labels,
                    s[0],
                    s[1],
                    s[2],
                    p.radius(),
                    p.offsets(),
                    p.coordinates(),
                    p.count(),
                    classes,
                    factors,
                    sums,
                    gradient));
  }

  @Override
  public void randomWalk(
      Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out) {
    Call call = context.call("randomWalk");
    MemorySegment from = call.in("maps", maps, Call.ANY, Call.ANY, Call.ANY);
    long[] s = maps.shape().toArray();
    MemorySegment edges = call.in("boundary", boundary, s[1], s[2]);
    MemorySegment to = call.out("out", out, s);
    call.require(beta >= 0 && steps >= 0, "power " + beta + ", " + steps + " steps");
    Paths p = Paths.of(call, paths);
    long count = steps;
    call.run(
        () ->
            (int)
                NativeIrnKernels.RANDOM_WALK.invokeExact(
                    edges,
                    from,
                    s[0],
                    s[1],
                    s[2],
                    p.radius(),
                    p.offsets(),
                    p.coordinates(),
                    p.count(),
                    beta,
                    count,
                    to));
  }
}
