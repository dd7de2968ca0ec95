package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases with F16 tensors. Weights are F16 numbers too: a backend may round them. */
final class HalfCases {
  private static final long[][] SIZES = {
    {1, 1, 1, 1}, {1, 1, 1, 17}, {2, 5, 7, 3}, {1, 16, 17, 16}, {3, 9, 11, 15}, {1, 33, 31, 20}
  };

  /** What rounding makes of: ties, the largest, the smallest, and what lies beyond. */
  private static final float[] EDGES = {
    0,
    -0f,
    1,
    2049,
    2051,
    -2049,
    65504,
    65519.996f,
    65520,
    -70000,
    0x1p-24f,
    0x1p-25f,
    0x1.2p-25f,
    -0x1.8p-24f,
    0x1p-14f,
    0x1.ffep-15f,
    0x1.fffp-15f,
    1e-30f,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN,
    Float.MAX_VALUE,
    Float.MIN_VALUE,
    1.00048828125f
  };

  private static final List<ConvolutionSize> CONVOLUTIONS =
      List.of(
          new ConvolutionSize(new ConvSpec(1, 1, 1, 1, 0, 1), 1, 1, 1),
          new ConvolutionSize(new ConvSpec(15, 17, 1, 1, 0, 1), 2, 7, 5),
          new ConvolutionSize(new ConvSpec(64, 16, 1, 1, 0, 1), 1, 16, 17),
          new ConvolutionSize(new ConvSpec(32, 64, 1, 2, 0, 1), 1, 8, 10),
          new ConvolutionSize(new ConvSpec(16, 16, 3, 1, 1, 1), 1, 13, 17),
          new ConvolutionSize(new ConvSpec(15, 17, 3, 2, 1, 1), 2, 15, 16),
          new ConvolutionSize(new ConvSpec(8, 8, 3, 1, 2, 2), 3, 9, 6),
          new ConvolutionSize(new ConvSpec(3, 16, 7, 2, 3, 1), 2, 23, 29));

  private HalfCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    cases.add(new ConformanceCase("convert", "edges, F16", HalfCases::edges));
    for (long[] s : SIZES) {
      String text = "%dx%dx%dx%d, F16".formatted(s[0], s[1], s[2], s[3]);
      cases.add(new ConformanceCase("convert", text, t -> convert(t, s)));
      cases.add(new ConformanceCase("addScaled", text, t -> addScaled(t, s)));
      cases.add(new ConformanceCase("reluBackward", text, t -> reluBackward(t, s)));
      cases.add(new ConformanceCase("maxPool", text, t -> pool(t, false, s)));
      cases.add(new ConformanceCase("maxPool", text + ", ties, index", t -> pool(t, true, s)));
    }
    cases.add(new ConformanceCase("maxPool", "NaN and infinities, F16", HalfCases::poolHostile));
    for (ConvolutionSize size : CONVOLUTIONS) {
      String text = "%s, input %dx%dx%d, F16".formatted(size.spec(), size.n(), size.h(), size.w());
      cases.add(
          new ConformanceCase("convForward", text, t -> forward(t, size, false, false, false)));
      cases.add(
          new ConformanceCase(
              "convForward", text + ", bias, relu", t -> forward(t, size, true, false, false)));
      cases.add(
          new ConformanceCase(
              "convForward",
              text + ", bias, residual, relu",
              t -> forward(t, size, true, true, false)));
      cases.add(
          new ConformanceCase(
              "convForward",
              text + ", bias, residual in place, relu",
              t -> forward(t, size, true, true, true)));
      cases.add(new ConformanceCase("convForward", text + " of F32", t -> fromFloats(t, size)));
      cases.add(new ConformanceCase("convBackwardData", text, t -> backwardData(t, size)));
      cases.add(
          new ConformanceCase("convBackwardWeights", text, t -> backwardWeights(t, size, true)));
      cases.add(
          new ConformanceCase(
              "convBackwardWeights", text + ", no db", t -> backwardWeights(t, size, false)));
    }
    return cases;
  }

  private static void edges(Trial t) {
    Tensor half = t.half(t.tensor(EDGES, EDGES.length));
    t.outExact("half", half);
    Tensor wide = t.f32(EDGES.length);
    t.backend().convert(half, wide);
    t.outExact("wide", wide);
  }

  private static void convert(Trial t, long[] s) {
    t.outExact("half", t.half(t.normal(s)));
    t.outExact("small", t.half(t.uniform(-0x1p-13, 0x1p-13, s)));
  }

  private static void addScaled(Trial t, long[] s) {
    Tensor target = t.half(t.normal(s));
    t.backend().addScaled(-0.7f, t.half(t.normal(s)), target);
    t.out("target", target);
    t.backend().addScaled(1, t.half(t.normal(s)), target);
    t.out("sum", target);
  }

  private static void reluBackward(Trial t, long[] s) {
    Backend b = t.backend();
    Tensor y = t.half(t.normal(s));
    Tensor dy = t.half(t.normal(s));
    Tensor extra = t.half(t.normal(s));
    Tensor dx = t.f16(s);
    b.reluBackward(y, dy, null, dx);
    t.outExact("dx", dx);
    b.reluBackward(y, dy, extra, dx);
    t.outWithZeros("dx with extra", dx);
    // A product with 0 would turn these into NaN.
    b.reluBackward(y, t.half(t.constant(Float.POSITIVE_INFINITY, s)), null, dx);
    t.outWithZeros("dx of infinite dy", dx);
    b.reluBackward(y, dy, extra, extra);
    t.outWithZeros("in place of extra", extra);
    b.reluBackward(y, dy, null, dy);
    t.outExact("in place of dy", dy);
  }

  private static long[] pooled(long[] s) {
    return new long[] {s[0], (s[1] + 1) / 2, (s[2] + 1) / 2, s[3]};
  }

  private static void pool(Trial t, boolean ties, long[] s) {
    Tensor x = t.half(ties ? t.coarse(s) : t.normal(s));
    Tensor y = t.f16(pooled(s));
    Tensor index = ties ? t.i32(pooled(s)) : null;
    t.backend().maxPool(x, y, index);
    t.outExact("y", y);
    if (index != null) {
      t.out("index", index);
    }
  }

  private static void poolHostile(Trial t) {
    Tensor y = t.f16(1, 4, 4, 17);
    Tensor index = t.i32(1, 4, 4, 17);
    t.backend().maxPool(t.half(ConvolutionCases.hostile(t)), y, index);
    t.outExact("y", y);
    t.out("index", index);
  }

  private static Tensor weights(Trial t, ConvolutionSize size) {
    return t.wide(t.half(size.weights(t)));
  }

  private static void forward(
      Trial t, ConvolutionSize size, boolean bias, boolean residual, boolean inPlace) {
    Tensor x = t.half(t.normal(size.in()));
    Tensor rest = residual ? t.half(t.normal(size.out())) : null;
    Tensor y = rest != null && inPlace ? rest : t.f16(size.out());
    Tensor add = bias ? t.normal(size.spec().outChannels()) : null;
    try (ConvWeights holder = t.backend().convWeights(size.spec())) {
      t.backend().loadWeights(holder, weights(t, size), null);
      t.backend().convForward(holder, x, add, rest, bias, y);
    }
    t.out("y", y);
  }

  private static void fromFloats(Trial t, ConvolutionSize size) {
    Tensor x = t.normal(size.in());
    Tensor y = t.f16(size.out());
    try (ConvWeights holder = t.backend().convWeights(size.spec())) {
      t.backend().loadWeights(holder, weights(t, size), null);
      t.backend().convForward(holder, x, t.normal(size.spec().outChannels()), null, true, y);
    }
    t.out("y", y);
  }

  private static void backwardData(Trial t, ConvolutionSize size) {
    Tensor dy = t.half(t.normal(size.out()));
    Tensor dx = t.f16(size.in());
    try (ConvWeights holder = t.backend().convWeights(size.spec())) {
      t.backend().loadWeights(holder, weights(t, size), null);
      t.backend().convBackwardData(holder, dy, dx);
    }
    t.out("dx", dx);
  }

  private static void backwardWeights(Trial t, ConvolutionSize size, boolean bias) {
    Tensor dw = t.f32(size.weight());
    Tensor db = bias ? t.f32(size.spec().outChannels()) : null;
    Tensor x = t.half(t.normal(size.in()));
    Tensor dy = t.half(t.normal(size.out()));
    t.backend().convBackwardWeights(size.spec(), x, dy, dw, db);
    t.outRounded("dw", dw);
    if (db != null) {
      t.out("db", db);
    }
  }
}
