package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Calls with F16 tensors, and those that have them where they do not belong. */
final class HalfSamples {
  /** Sizes stay. */
  private static final ConvSpec SAME = new ConvSpec(3, 3, 3, 1, 1, 1);

  private HalfSamples() {}

  /** Of the operation that every backend knows, if only to refuse it. */
  static List<Sample> conversions() {
    return List.of(
        Sample.of("convert")
            .in("source", 2, 3)
            .outHalf("half target", 2, 3)
            .calls((b, w, t) -> b.convert(t[0], t[1])),
        Sample.of("convert")
            .inHalf("half source", 2, 3)
            .out("target", 2, 3)
            .calls((b, w, t) -> b.convert(t[0], t[1])));
  }

  /** Of operations that take F16 beside F32. */
  static List<Sample> all() {
    return List.of(
        Sample.of("convForward")
            .convolution(SAME)
            .inHalf("half x", 2, 4, 5, 3)
            .in("bias of halves", 3)
            .inHalf("half residual", 2, 4, 5, 3)
            .outHalf("half y", 2, 4, 5, 3)
            .over("half residual")
            .calls((b, w, t) -> b.convForward(w, t[0], t[1], t[2], true, t[3])),
        Sample.of("convForward")
            .convolution(SAME)
            .in("x of half y", 2, 4, 5, 3)
            .outHalf("half y of x", 2, 4, 5, 3)
            .calls((b, w, t) -> b.convForward(w, t[0], null, null, false, t[1])),
        Sample.of("convBackwardData")
            .convolution(SAME)
            .inHalf("half dy", 2, 4, 5, 3)
            .outHalf("half dx", 2, 4, 5, 3)
            .calls((b, w, t) -> b.convBackwardData(w, t[0], t[1])),
        Sample.of("convBackwardWeights")
            .inHalf("half x", 1, 6, 6, 3)
            .inHalf("half dy", 1, 6, 6, 3)
            .out("dw of halves", 3, 3, 3, 3)
            .out("db of halves", 3)
            .calls((b, w, t) -> b.convBackwardWeights(SAME, t[0], t[1], t[2], t[3])),
        Sample.of("maxPool")
            .inHalf("half x", 1, 4, 6, 2)
            .outHalf("half y", 1, 2, 3, 2)
            .outInts("index of halves", 1, 2, 3, 2)
            .calls((b, w, t) -> b.maxPool(t[0], t[1], t[2])),
        Sample.of("addScaled")
            .inHalf("half source", 2, 3)
            .reshapable()
            .outHalf("half target", 2, 3)
            .reshapable()
            .calls((b, w, t) -> b.addScaled(0.5f, t[0], t[1])),
        Sample.of("reluBackward")
            .inHalf("half y", 2, 3)
            .inHalf("half dy", 2, 3)
            .inHalf("half extra", 2, 3)
            .outHalf("half dx", 2, 3)
            .over("half dy", "half extra")
            .calls((b, w, t) -> b.reluBackward(t[0], t[1], t[2], t[3])));
  }

  /** F16 beside F32, and in operations without it. */
  static List<Refusal> refusals() {
    List<Refusal> list = new ArrayList<>();
    add(list, "convert", "F32 to F32", (b, t) -> b.convert(t.f32(3), t.f32(3)));
    add(list, "convert", "F16 to F16", (b, t) -> b.convert(half(t, 3), half(t, 3)));
    long[] s = {1, 4, 4, 3};
    convolution(
        list, "F16 to F32", (b, w, t) -> b.convForward(w, half(t, s), null, null, true, t.f32(s)));
    convolution(
        list,
        "an F32 residual of an F16 y",
        (b, w, t) -> b.convForward(w, half(t, s), null, t.f32(s), true, half(t, s)));
    convolution(
        list,
        "an F16 bias",
        (b, w, t) -> b.convForward(w, half(t, s), half(t, 3), null, true, half(t, s)));
    add(
        list,
        "convBackwardWeights",
        "F32 x, F16 dy",
        (b, t) -> b.convBackwardWeights(SAME, t.f32(s), half(t, s), t.f32(3, 3, 3, 3), null));
    add(
        list,
        "convBackwardWeights",
        "an F16 dw",
        (b, t) -> b.convBackwardWeights(SAME, half(t, s), half(t, s), half(t, 3, 3, 3, 3), null));
    add(list, "maxPool", "F16 to F32", (b, t) -> b.maxPool(half(t, s), t.f32(1, 2, 2, 3), null));
    add(
        list,
        "maxPoolBackward",
        "F16",
        (b, t) -> b.maxPoolBackward(half(t, 1, 2, 2, 3), t.i32(1, 2, 2, 3), half(t, s)));
    add(list, "addScaled", "F32 to F16", (b, t) -> b.addScaled(1, t.f32(3), half(t, 3)));
    add(
        list,
        "reluBackward",
        "F16 and F32",
        (b, t) -> b.reluBackward(half(t, 3), t.f32(3), null, half(t, 3)));
    add(list, "fill", "F16", (b, t) -> b.fill(half(t, 3), 0));
    add(list, "copy", "F16", (b, t) -> b.copy(half(t, 3), half(t, 3)));
    add(list, "scale", "F16", (b, t) -> b.scale(half(t, 3), t.f32(1)));
    add(list, "floats", "F16", (b, t) -> b.floats(half(t, 3)));
    return list;
  }

  /** Of undefined contents: backends without F16 have nothing to fill it with. */
  private static Tensor half(Trial t, long... sizes) {
    return t.scope().allocate(DType.F16, Shape.of(sizes));
  }

  private interface ConvCall {
    void on(Backend backend, ConvWeights weights, Trial t);
  }

  private static void convolution(List<Refusal> list, String text, ConvCall call) {
    add(
        list,
        "convForward",
        text,
        (b, t) -> {
          try (ConvWeights weights = b.convWeights(SAME)) {
            b.loadWeights(weights, t.constant(0, 3, 3, 3, 3), null);
            call.on(b, weights, t);
          }
        });
  }

  private static void add(
      List<Refusal> list, String operation, String text, BiConsumer<Backend, Trial> call) {
    list.add(Refusal.of(operation, "types: " + text, Kind.TYPE, call));
  }
}
