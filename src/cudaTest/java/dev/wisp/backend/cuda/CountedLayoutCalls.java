package dev.wisp.backend.cuda;

import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;

/** What surrounds a library's convolution, at the size of layer 3 for 512 x 512 pixels. */
final class CountedLayoutCalls {
  private static final int GRID = 32;
  private static final long POSITIONS = GRID * GRID;
  private static final int CHANNELS = 256;
  private static final long FEATURES = POSITIONS * CHANNELS;
  private static final String SIZE = "32x32, 256 channels";
  private static final ConvolutionSizes CONV =
      new ConvolutionSizes(ConvSpec.pointwise(CHANNELS, CHANNELS), 1, GRID, GRID);

  private CountedLayoutCalls() {}

  /** Launches between device addresses. */
  private interface Launch {
    void of(CudaContext context, long from, long bias, long residual, long to);
  }

  static List<CountedCall> all() {
    Work finish = Work.of(12 * FEATURES + 4 * CHANNELS, 3 * FEATURES);
    return List.of(
        call((context, from, bias, residual, to) ->
                new CudaLayouts(context).transpose(from, to, 1, POSITIONS, CHANNELS))
            .launches("wisp_transpose", Work.of(8 * FEATURES, 0)),
        call((context, from, bias, residual, to) ->
                new CudaLayouts(context).finish(from, bias, residual, to, CONV, true))
            .launches("wisp_conv_finish", finish),
        call((context, from, bias, residual, to) ->
                new CudaLayouts(context).finishPlanar(from, bias, residual, to, CONV, true))
            .launches("wisp_conv_finish_planar", finish),
        call((context, from, bias, residual, to) ->
                new CudaHalf(context).narrow(from, to, FEATURES))
            .launches("wisp_to_half", Work.of(6 * FEATURES, FEATURES)),
        // Floats read as pairs of halves: what they are worth does not matter here.
        call((context, from, bias, residual, to) -> new CudaHalf(context).widen(from, to, FEATURES))
            .launches("wisp_from_half", Work.of(6 * FEATURES, FEATURES)),
        call((context, from, bias, residual, to) ->
                new CudaHalf(context).finish(from, bias, residual, to, CONV, true))
            .launches(
                "wisp_conv_finish_half", Work.of(10 * FEATURES + 4 * CHANNELS, 4 * FEATURES)));
  }

  private static CountedCall call(Launch launch) {
    return new CountedCall(
        SIZE,
        (b, t) -> {
          CudaCall call = b.context().call("counted");
          long from = call.inAny("from", t.floats(1, GRID, GRID, CHANNELS));
          long bias = call.inAny("bias", t.floats(CHANNELS));
          long residual = call.inAny("residual", t.floats(1, GRID, GRID, CHANNELS));
          Tensor target = t.out(1, GRID, GRID, CHANNELS);
          long to = call.outAny("to", target);
          return () -> call.run(() -> launch.of(b.context(), from, bias, residual, to));
        });
  }
}
