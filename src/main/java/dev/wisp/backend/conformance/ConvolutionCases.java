package dev.wisp.backend.conformance;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Cases of {@link dev.wisp.backend.ConvolutionOps}. */
final class ConvolutionCases {
  private static final float EPS = 1e-5f;

  /** Where a forward case has its residual. */
  private enum Residual {
    NONE,
    APART,
    IN_PLACE
  }

  private static ConvolutionSize size(
      int in, int out, int k, int s, int p, int d, int n, int h, int w) {
    return new ConvolutionSize(new ConvSpec(in, out, k, s, p, d), n, h, w);
  }

  private static final List<ConvolutionSize> SIZES =
      List.of(
          size(1, 1, 1, 1, 0, 1, 1, 1, 1),
          size(3, 5, 1, 1, 0, 1, 1, 1, 1),
          size(15, 17, 1, 1, 0, 1, 2, 7, 5),
          size(64, 16, 1, 1, 0, 1, 1, 16, 17),
          size(80, 64, 1, 1, 0, 1, 1, 33, 31),
          size(17, 15, 1, 2, 0, 1, 3, 9, 11),
          size(32, 64, 1, 2, 0, 1, 1, 8, 10),
          size(64, 20, 1, 1, 0, 1, 1, 13, 7),
          size(1, 1, 3, 1, 1, 1, 1, 1, 1),
          size(3, 20, 3, 1, 0, 1, 1, 3, 7),
          size(16, 16, 3, 1, 1, 1, 1, 13, 17),
          size(15, 17, 3, 2, 1, 1, 2, 15, 16),
          size(32, 32, 3, 2, 1, 1, 1, 11, 14),
          size(8, 8, 3, 1, 2, 2, 3, 9, 6),
          size(4, 4, 3, 1, 6, 6, 1, 5, 5),
          size(64, 64, 3, 1, 1, 1, 1, 7, 9),
          size(3, 16, 7, 2, 3, 1, 2, 23, 29),
          size(3, 64, 7, 2, 3, 1, 1, 16, 18),
          size(3, 32, 3, 2, 1, 1, 2, 15, 17));

  private ConvolutionCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (ConvolutionSize size : SIZES) {
      forward(cases, size, false, false, Residual.NONE, false);
      forward(cases, size, true, true, Residual.NONE, true);
      cases.add(
          new ConformanceCase("convBackwardData", size.toString(), t -> backwardData(t, size)));
      cases.add(
          new ConformanceCase(
              "convBackwardWeights", size + ", with db", t -> backwardWeights(t, size, true)));
    }
    for (Residual residual : List.of(Residual.APART, Residual.IN_PLACE)) {
      forward(cases, SIZES.get(2), true, true, residual, true);
      forward(cases, SIZES.get(10), true, false, residual, false);
      forward(cases, SIZES.get(10), false, true, residual, true);
      forward(cases, SIZES.get(15), true, true, residual, true);
    }
    // The sum over inputs is longer than the tiles that implementations cut it into.
    forward(cases, size(2050, 24, 1, 1, 0, 1, 1, 5, 7), true, true, Residual.IN_PLACE, true);
    cases.add(
        new ConformanceCase(
            "convBackwardWeights",
            SIZES.get(10) + ", no db",
            t -> backwardWeights(t, SIZES.get(10), false)));
    cases.add(
        new ConformanceCase(
            "convWeights", "two holders of one spec are apart", t -> twoHolders(t)));
    cases.add(
        new ConformanceCase(
            "loadWeights", "the holder keeps no reference to its tensors", t -> noReference(t)));
    cases.add(
        new ConformanceCase("loadWeights", "a second load replaces the first", t -> reload(t)));
    for (int c : new int[] {1, 15, 16, 17, 64}) {
      cases.add(new ConformanceCase("foldNorm", c + " channels", t -> foldNorm(t, c)));
    }
    for (ConvolutionSize size : List.of(SIZES.get(0), SIZES.get(2), SIZES.get(11), SIZES.get(15))) {
      String text = "weights of " + size.spec();
      cases.add(new ConformanceCase("foldNormBackward", text, t -> foldBackward(t, size, false)));
      cases.add(
          new ConformanceCase(
              "foldNormBackward", text + ", in place", t -> foldBackward(t, size, true)));
    }
    int[][] pools = {
      {1, 1, 1, 1}, {1, 2, 2, 3}, {2, 7, 5, 15}, {1, 16, 17, 16}, {3, 9, 11, 17}, {1, 33, 31, 64}
    };
    for (int[] p : pools) {
      String text = "%dx%dx%dx%d".formatted(p[0], p[1], p[2], p[3]);
      cases.add(new ConformanceCase("maxPool", text, t -> pool(t, false, true, p)));
      cases.add(new ConformanceCase("maxPool", text + ", ties", t -> pool(t, true, true, p)));
      cases.add(new ConformanceCase("maxPool", text + ", no index", t -> pool(t, false, false, p)));
      cases.add(new ConformanceCase("maxPoolBackward", text, t -> poolBackward(t, p)));
    }
    cases.add(
        new ConformanceCase(
            "maxPool", "NaN, infinities, all below 0", ConvolutionCases::poolHostile));
    cases.add(
        new ConformanceCase(
            "maxPoolBackward", "winners outside the image", ConvolutionCases::poolStrangers));
    return cases;
  }

  private static void forward(
      List<ConformanceCase> cases,
      ConvolutionSize size,
      boolean scale,
      boolean bias,
      Residual residual,
      boolean relu) {
    String text =
        size
            + (scale ? ", scaled" : "")
            + (bias ? ", bias" : "")
            + switch (residual) {
              case NONE -> "";
              case APART -> ", residual";
              case IN_PLACE -> ", residual in place";
            }
            + (relu ? ", relu" : "");
    cases.add(
        new ConformanceCase(
            "convForward",
            text,
            t -> {
              Backend b = t.backend();
              ConvSpec spec = size.spec();
              Tensor weight = size.weights(t);
              Tensor x = t.normal(size.in());
              Tensor rest = residual == Residual.NONE ? null : t.normal(size.out());
              Tensor y = rest != null && residual == Residual.IN_PLACE ? rest : t.f32(size.out());
              try (ConvWeights holder = b.convWeights(spec)) {
                b.loadWeights(holder, weight, scale ? scales(t, spec) : null);
                b.convForward(holder, x, bias ? t.normal(spec.outChannels()) : null, rest, relu, y);
              }
              t.out("y", y);
            }));
  }

  private static void backwardData(Trial t, ConvolutionSize size) {
    Backend b = t.backend();
    Tensor dx = t.f32(size.in());
    try (ConvWeights holder = b.convWeights(size.spec())) {
      b.loadWeights(holder, size.weights(t), scales(t, size.spec()));
      b.convBackwardData(holder, t.normal(size.out()), dx);
    }
    t.out("dx", dx);
  }

  private static void backwardWeights(Trial t, ConvolutionSize size, boolean bias) {
    Tensor dw = t.f32(size.weight());
    Tensor db = bias ? t.f32(size.spec().outChannels()) : null;
    t.backend().convBackwardWeights(size.spec(), t.normal(size.in()), t.normal(size.out()), dw, db);
    t.out("dw", dw);
    if (db != null) {
      t.out("db", db);
    }
  }

  private static void twoHolders(Trial t) {
    Backend b = t.backend();
    ConvolutionSize size = SIZES.get(2);
    Tensor x = t.normal(size.in());
    Tensor first = t.f32(size.out());
    Tensor second = t.f32(size.out());
    try (ConvWeights one = b.convWeights(size.spec());
        ConvWeights two = b.convWeights(size.spec())) {
      b.loadWeights(one, size.weights(t), null);
      b.loadWeights(two, size.weights(t), null);
      b.convForward(one, x, null, null, false, first);
      b.convForward(two, x, null, null, false, second);
      if (!one.spec().equals(size.spec())) {
        throw new AssertionError("holder of " + size.spec() + " says " + one.spec());
      }
    }
    t.out("first", first);
    t.out("second", second);
  }

  private static void noReference(Trial t) {
    Backend b = t.backend();
    ConvolutionSize size = SIZES.get(10);
    Tensor weight = size.weights(t);
    Tensor scale = scales(t, size.spec());
    Tensor x = t.normal(size.in());
    Tensor y = t.f32(size.out());
    Tensor dx = t.f32(size.in());
    try (ConvWeights holder = b.convWeights(size.spec())) {
      b.loadWeights(holder, weight, scale);
      b.fill(weight, 7);
      scale.release();
      b.convForward(holder, x, null, null, false, y);
      weight.release();
      b.convBackwardData(holder, y, dx);
    }
    t.out("y", y);
    t.out("dx", dx);
  }

  private static void reload(Trial t) {
    Backend b = t.backend();
    ConvolutionSize size = SIZES.get(11);
    Tensor x = t.normal(size.in());
    Tensor y = t.f32(size.out());
    Tensor dx = t.f32(size.in());
    try (ConvWeights holder = b.convWeights(size.spec())) {
      b.loadWeights(holder, size.weights(t), scales(t, size.spec()));
      b.convForward(holder, x, null, null, false, y);
      b.convBackwardData(holder, y, dx);
      b.loadWeights(holder, size.weights(t), null);
      b.convForward(holder, x, null, null, false, y);
      b.convBackwardData(holder, y, dx);
    }
    t.out("y", y);
    t.out("dx", dx);
  }

  /** Scales in float32 and what that leaves of them, {@code [2, O]}. */
  private static Tensor scales(Trial t, ConvSpec spec) {
    long c = spec.outChannels();
    Tensor scale = t.f32(2, c);
    t.backend()
        .foldNorm(
            t.uniform(0.5, 2, c),
            t.normal(c),
            t.normal(c),
            t.uniform(0.5, 2, c),
            EPS,
            scale,
            t.f32(c));
    return scale;
  }

  private static void foldNorm(Trial t, int c) {
    Tensor scale = t.f32(2, c);
    Tensor bias = t.f32(c);
    t.backend()
        .foldNorm(t.normal(c), t.normal(c), t.normal(c), t.uniform(0, 2, c), EPS, scale, bias);
    t.out("scale", scale);
    t.out("bias", bias);
  }

  private static void foldBackward(Trial t, ConvolutionSize size, boolean inPlace) {
    int c = size.spec().outChannels();
    Tensor folded = t.normal(size.weight());
    Tensor dw = inPlace ? folded : t.f32(size.weight());
    Tensor dgamma = t.f32(c);
    t.backend()
        .foldNormBackward(
            folded,
            t.normal(size.weight()),
            t.normal(c),
            t.normal(c),
            t.normal(c),
            t.uniform(0.01, 2, c),
            EPS,
            dw,
            dgamma);
    t.out("dw", dw);
    t.out("dgamma", dgamma);
  }

  private static long[] pooled(int[] p) {
    return new long[] {p[0], (p[1] + 1) / 2, (p[2] + 1) / 2, p[3]};
  }

  private static void pool(Trial t, boolean ties, boolean withIndex, int[] p) {
    Tensor x = ties ? t.coarse(p[0], p[1], p[2], p[3]) : t.normal(p[0], p[1], p[2], p[3]);
    Tensor y = t.f32(pooled(p));
    Tensor index = withIndex ? t.i32(pooled(p)) : null;
    t.backend().maxPool(x, y, index);
    t.outExact("y", y);
    if (index != null) {
      t.out("index", index);
    }
  }

  private static void poolBackward(Trial t, int[] p) {
    Tensor x = t.coarse(p[0], p[1], p[2], p[3]);
    Tensor y = t.f32(pooled(p));
    Tensor index = t.i32(pooled(p));
    t.backend().maxPool(x, y, index);
    Tensor dx = t.f32(p[0], p[1], p[2], p[3]);
    t.backend().maxPoolBackward(t.normal(pooled(p)), index, dx);
    t.outWithZeros("dx", dx);
  }

  /** Every third winner is real; the others are passed over. */
  private static void poolStrangers(Trial t) {
    Tensor y = t.f32(2, 3, 4, 17);
    Tensor index = t.i32(2, 3, 4, 17);
    t.backend().maxPool(t.normal(2, 5, 7, 17), y, index);
    int[] winners = t.backend().ints(index);
    int[] strangers = {-1, 35, Integer.MAX_VALUE, Integer.MIN_VALUE, 123456789};
    for (int i = 0; i < winners.length; i++) {
      winners[i] = i % 3 == 0 ? winners[i] : strangers[i % strangers.length];
    }
    Tensor dx = t.f32(2, 5, 7, 17);
    t.backend().maxPoolBackward(t.normal(2, 3, 4, 17), t.tensor(winners, 2, 3, 4, 17), dx);
    t.outWithZeros("dx", dx);
  }

  /** {@code [1, 7, 7, 17]} with NaN and infinities, all else below 0. */
  static Tensor hostile(Trial t) {
    float[] values = new float[7 * 7 * 17];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (t.random().nextInt(12)) {
            case 0 -> Float.NaN;
            case 1 -> Float.NEGATIVE_INFINITY;
            case 2 -> Float.POSITIVE_INFINITY;
            default -> -1 - (float) t.random().nextDouble();
          };
    }
    return t.tensor(values, 1, 7, 7, 17);
  }

  private static void poolHostile(Trial t) {
    Tensor y = t.f32(1, 4, 4, 17);
    Tensor index = t.i32(1, 4, 4, 17);
    t.backend().maxPool(hostile(t), y, index);
    t.outExact("y", y);
    t.out("index", index);
  }
}
