package dev.wisp.backend.cuda;

import dev.wisp.backend.Backend;
import dev.wisp.backend.CrfOps;
import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.cpu.CpuBackend;
import dev.wisp.backend.cpu.CpuOptions;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * {@link CrfOps} by the host's kernels: operands are copied to the host and the result back. A card
 * has no kernels of its own for it yet; the CRF is no part of training.
 */
final class CudaCrf implements CrfOps {
  private final CudaContext context;
  private @Nullable Backend opened;

  CudaCrf(CudaContext context) {
    this.context = context;
  }

  /** The operation on the host, in one of its scopes. */
  @FunctionalInterface
  private interface OnHost {
    void run(Backend host, Scope scope, Tensor result);
  }

  @Override
  public void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    CudaCall call = context.call("latticeFilter");
    call.in("values", values, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.inOrNull("image", image, values.shape().size(1), values.shape().size(2), 3);
    call.out("out", out, values.shape().toArray());
    call.require(spatial > 0 && (image == null || colour > 0), "a deviation is not positive");
    call.run(
        () -> {
          float[] source = floats(call, values);
          float[] colours = image == null ? null : floats(call, image);
          compute(
              call,
              out,
              (host, scope, result) ->
                  host.latticeFilter(
                      image == null || colours == null ? null : copy(host, scope, image, colours),
                      spatial,
                      colour,
                      copy(host, scope, values, source),
                      result));
        });
  }

  @Override
  public void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    CudaCall call = context.call("denseCrf");
    call.in("unary", unary, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.in("image", image, unary.shape().size(1), unary.shape().size(2), 3);
    call.out("q", q, unary.shape().toArray());
    call.run(
        () -> {
          float[] energies = floats(call, unary);
          float[] colours = floats(call, image);
          compute(
              call,
              q,
              (host, scope, result) ->
                  host.denseCrf(
                      copy(host, scope, unary, energies),
                      copy(host, scope, image, colours),
                      options,
                      result));
        });
  }

  private float[] floats(CudaCall call, Tensor source) {
    float[] values = new float[call.length("operand", source)];
    context.transfers().download(call.memory(source), 0, MemorySegment.ofArray(values));
    return values;
  }

  /** A host tensor of another's shape. */
  private static Tensor copy(Backend host, Scope scope, Tensor like, float[] values) {
    Tensor copy = scope.allocate(like.type(), like.shape());
    host.upload(values, copy);
    return copy;
  }

  private void compute(CudaCall call, Tensor target, OnHost task) {
    Backend host = host();
    float[] values =
        host.compute(
            () -> {
              try (Scope scope = host.scope()) {
                Tensor result = scope.allocate(target.type(), target.shape());
                task.run(host, scope, result);
                return host.floats(result);
              }
            });
    context.transfers().upload(MemorySegment.ofArray(values), call.memory(target), 0);
  }

  private Backend host() {
    Backend host = opened;
    if (host == null) {
      host = CpuBackend.open(CpuOptions.standard());
      opened = host;
    }
    return host;
  }

  /** On the compute thread, once. */
  void close() {
    if (opened != null) {
      opened.close();
    }
  }
}
