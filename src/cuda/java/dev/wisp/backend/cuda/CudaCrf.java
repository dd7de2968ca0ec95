package dev.wisp.backend.cuda;

import dev.wisp.backend.CrfOps;
import dev.wisp.backend.CrfOptions;
import dev.wisp.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@link CrfOps} by the host's kernels; the CRF is no part of training. */
final class CudaCrf implements CrfOps {
  private final CudaContext context;
  private final CudaHost host;

  CudaCrf(CudaContext context, CudaHost host) {
    this.context = context;
    this.host = host;
  }

  @Override
  public void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    CudaCall call = context.call("latticeFilter");
    call.in("values", values, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.inOrNull("image", image, values.shape().size(1), values.shape().size(2), 3);
    call.out("out", out, values.shape().toArray());
    call.require(spatial > 0 && (image == null || colour > 0), "a deviation is not positive");
    if (image == null) {
      host.run(
          call,
          List.of(values),
          List.of(out),
          (cpu, t) -> cpu.latticeFilter(null, spatial, colour, t[0], t[1]));
    } else {
      host.run(
          call,
          List.of(values, image),
          List.of(out),
          (cpu, t) -> cpu.latticeFilter(t[1], spatial, colour, t[0], t[2]));
    }
  }

  @Override
  public void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    CudaCall call = context.call("denseCrf");
    call.in("unary", unary, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    call.in("image", image, unary.shape().size(1), unary.shape().size(2), 3);
    call.out("q", q, unary.shape().toArray());
    host.run(
        call,
        List.of(unary, image),
        List.of(q),
        (cpu, t) -> cpu.denseCrf(t[0], t[1], options, t[2]));
  }
}
