package dev.wisp.backend.cuda;

import dev.wisp.backend.IrnOps;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@link IrnOps}, for the time being by the host's kernels. */
final class CudaIrn implements IrnOps {
  private final CudaContext context;
  private final CudaHost host;

  CudaIrn(CudaContext context, CudaHost host) {
    this.context = context;
    this.host = host;
  }

  @Override
  public void crop(Tensor source, Tensor target, int channelOffset) {
    CudaCall call = context.call("crop");
    call.in("source", source, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.out("target", target, source.shape().size(0), CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    requireCorner(call, source, target, channelOffset);
    host.run(
        call, List.of(source), List.of(target), (cpu, t) -> cpu.crop(t[0], t[1], channelOffset));
  }

  @Override
  public void cropBackward(Tensor dTarget, int channelOffset, Tensor dSource) {
    CudaCall call = context.call("cropBackward");
    call.in("dTarget", dTarget, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.out("dSource", dSource, dTarget.shape().size(0), CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    requireCorner(call, dSource, dTarget, channelOffset);
    host.run(
        call,
        List.of(dTarget),
        List.of(dSource),
        (cpu, t) -> cpu.cropBackward(t[0], channelOffset, t[1]));
  }

  private static void requireCorner(CudaCall call, Tensor source, Tensor target, int offset) {
    long[] in = source.shape().toArray();
    long[] out = target.shape().toArray();
    call.require(out[1] <= in[1] && out[2] <= in[2], "the target is larger than the source");
    call.require(
        offset >= 0 && offset <= out[3] - in[3],
        "channels from " + offset + " on do not lie inside the target's");
  }

  @Override
  public void sigmoid(Tensor x, float scale, Tensor out) {
    CudaCall call = context.call("sigmoid");
    call.inAny("x", x);
    call.out("out", out, x.shape().toArray());
    host.run(call, List.of(x), List.of(out), (cpu, t) -> cpu.sigmoid(t[0], scale, t[1]));
  }

  @Override
  public void sigmoidBackward(Tensor y, Tensor dy, float scale, Tensor dx) {
    CudaCall call = context.call("sigmoidBackward");
    call.inAny("y", y);
    call.in("dy", dy, y.shape().toArray());
    call.out("dx", dx, y.shape().toArray());
    host.run(
        call,
        List.of(y, dy),
        List.of(dx),
        (cpu, t) -> cpu.sigmoidBackward(t[0], t[1], scale, t[2]));
  }

  @Override
  public void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts) {
    CudaCall call = context.call("pairCounts");
    call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.out("counts", counts, label.shape().size(0), 3);
    host.run(
        call,
        List.of(label),
        List.of(counts),
        (cpu, t) -> cpu.pairCounts(t[0], paths, classes, t[1]));
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
    CudaCall call = context.call("pathAffinityLoss");
    call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] s = label.shape().toArray();
    call.in("boundary", boundary, s);
    call.out("losses", losses, s[0], 3);
    call.outOrNull("dBoundary", dBoundary, s);
    call.require(weights.length == 3, weights.length + " weights for three losses");
    host.run(
        call,
        List.of(boundary, label),
        dBoundary == null ? List.of(losses) : List.of(losses, dBoundary),
        (cpu, t) ->
            cpu.pathAffinityLoss(
                t[0], t[1], paths, classes, weights, t[2], t.length == 3 ? null : t[3]));
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
    CudaCall call = context.call("displacementLoss");
    call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] s = label.shape().toArray();
    call.in("displacement", displacement, s[0], s[1], s[2], 2);
    call.out("losses", losses, s[0], 2);
    call.outOrNull("dDisplacement", dDisplacement, s[0], s[1], s[2], 2);
    call.require(weights.length == 2, weights.length + " weights for two losses");
    host.run(
        call,
        List.of(displacement, label),
        dDisplacement == null ? List.of(losses) : List.of(losses, dDisplacement),
        (cpu, t) ->
            cpu.displacementLoss(
                t[0], t[1], paths, classes, weights, t[2], t.length == 3 ? null : t[3]));
  }

  @Override
  public void randomWalk(
      Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out) {
    CudaCall call = context.call("randomWalk");
    call.in("maps", maps, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] s = maps.shape().toArray();
    call.in("boundary", boundary, s[1], s[2]);
    call.out("out", out, s);
    call.require(beta >= 0 && steps >= 0, "power " + beta + ", " + steps + " steps");
    host.run(
        call,
        List.of(boundary, maps),
        List.of(out),
        (cpu, t) -> cpu.randomWalk(t[0], t[1], paths, beta, steps, t[2]));
  }
}
