package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.IrnOps;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@link IrnOps} on the device: {@code cuda/boundary.cu}, and by {@link CudaPaths} and {@link
 * CudaWalk}.
 */
final class CudaIrn implements IrnOps {
  private static final String FILE = "boundary";
  private static final int THREADS = 256;

  private final CudaContext context;
  private final CudaPaths paths;
  private final CudaWalk walk;
  private final CudaKernel crop;
  private final CudaKernel cropBackward;
  private final CudaKernel sigmoid;
  private final CudaKernel sigmoidBackward;

  CudaIrn(CudaContext context) {
    this.context = context;
    paths = new CudaPaths(context);
    walk = new CudaWalk(context);
    crop = cropping("wisp_crop", "source", "target");
    cropBackward = cropping("wisp_crop_backward", "d_target", "d_source");
    sigmoid =
        context.kernel(FILE, "wisp_sigmoid", pointer("x"), pointer("out"), i64("n"), f32("scale"));
    sigmoidBackward =
        context.kernel(
            FILE,
            "wisp_sigmoid_backward",
            pointer("y"),
            pointer("dy"),
            pointer("dx"),
            i64("n"),
            f32("scale"));
  }

  private CudaKernel cropping(String name, String from, String to) {
    Stream<CudaParameter> sizes =
        Stream.of("n", "in_h", "in_w", "c", "out_h", "out_w", "out_c", "offset")
            .map(CudaParameter::i64);
    return context.kernel(
        FILE,
        name,
        Stream.concat(Stream.of(pointer(from), pointer(to)), sizes).toArray(CudaParameter[]::new));
  }

  private static CudaKernel sizes(CudaKernel kernel, long[] in, long[] out, int offset) {
    return kernel
        .i64(in[0])
        .i64(in[1])
        .i64(in[2])
        .i64(in[3])
        .i64(out[1])
        .i64(out[2])
        .i64(out[3])
        .i64(offset);
  }

  @Override
  public void crop(Tensor source, Tensor target, int channelOffset) {
    CudaCall call = context.call("crop");
    long from = call.in("source", source, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] in = source.shape().toArray();
    long to = call.out("target", target, in[0], CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] out = target.shape().toArray();
    requireCorner(call, in, out, channelOffset);
    call.run(
        () ->
            sizes(crop.pointer(from).pointer(to), in, out, channelOffset)
                .launchOver(out[0] * out[1] * out[2] * in[3], THREADS));
  }

  @Override
  public void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource) {
    CudaCall call = context.call("cropBackward");
    long from = call.in("dTarget", dTarget, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] out = dTarget.shape().toArray();
    long to = call.out("dSource", dSource, out[0], CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] in = dSource.shape().toArray();
    requireCorner(call, in, out, channelOffset);
    call.run(
        () ->
            sizes(cropBackward.pointer(from).pointer(to), in, out, channelOffset)
                .launchOver(dSource.shape().elements(), THREADS));
  }

  private static void requireCorner(CudaCall call, long[] in, long[] out, int offset) {
    call.require(out[1] <= in[1] && out[2] <= in[2], "the target is larger than the source");
    call.require(
        offset >= 0 && offset <= out[3] - in[3],
        "channels from " + offset + " on do not lie inside the target's");
  }

  @Override
  public void sigmoid(Tensor x, float scale, Tensor out) {
    CudaCall call = context.call("sigmoid");
    long from = call.inAny("x", x);
    long to = call.out("out", out, x.shape().toArray());
    long n = x.shape().elements();
    call.run(() -> sigmoid.pointer(from).pointer(to).i64(n).f32(scale).launchOver(n, THREADS));
  }

  @Override
  public void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx) {
    CudaCall call = context.call("sigmoidBackward");
    long[] shape = y.shape().toArray();
    long value = call.inAny("y", y);
    long gradient = call.in("dy", dy, shape);
    long to = call.out("dx", dx, shape);
    long n = y.shape().elements();
    call.run(
        () ->
            sigmoidBackward
                .pointer(value)
                .pointer(gradient)
                .pointer(to)
                .i64(n)
                .f32(scale)
                .launchOver(n, THREADS));
  }

  @Override
  public void pairCounts(Tensor label, PathIndex index, int classes, Tensor counts) {
    paths.pairCounts(label, index, classes, counts);
  }

  @Override
  public void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex index,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary) {
    paths.pathAffinityLoss(boundary, label, index, classes, weights, losses, dBoundary);
  }

  @Override
  public void displacementLoss(
      Tensor displacement,
      Tensor label,
      PathIndex index,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement) {
    paths.displacementLoss(displacement, label, index, classes, weights, losses, dDisplacement);
  }

  @Override
  public void randomWalk(
      Tensor boundary, Tensor maps, PathIndex index, float beta, int steps, Tensor out) {
    walk.randomWalk(boundary, maps, index, beta, steps, out);
  }
}
