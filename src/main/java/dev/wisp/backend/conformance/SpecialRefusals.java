package dev.wisp.backend.conformance;

import static dev.wisp.backend.conformance.Samples.ROWS;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.PathIndex;
import dev.wisp.backend.conformance.Refusal.Kind;
import dev.wisp.tensor.DType;
import dev.wisp.tensor.Scope;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Refusals that do not follow from a spoiled operand. */
final class SpecialRefusals {
  private static final float EPS = 1e-5f;
  private static final ConvSpec CONV = new ConvSpec(3, 4, 3, 1, 1, 1);

  private final List<Refusal> refusals = new ArrayList<>();

  private SpecialRefusals() {}

  static List<Refusal> all() {
    SpecialRefusals list = new SpecialRefusals();
    list.pointwise();
    list.resizing();
    list.batches();
    list.optimizer();
    list.holders();
    list.lifetimes();
    list.arguments();
    list.irn();
    return list.refusals;
  }

  private void add(String operation, String text, Kind kind, BiConsumer<Backend, Trial> call) {
    refusals.add(new Refusal(operation, text, kind, t -> () -> call.accept(t.backend(), t)));
  }

  /** One whose message does not begin with the operation, but says this. */
  private void add(
      String operation, String text, Kind kind, String mentions, BiConsumer<Backend, Trial> call) {
    refusals.add(
        new Refusal(operation, text, kind, mentions, t -> () -> call.accept(t.backend(), t)));
  }

  private void pointwise() {
    add(
        "denormalize",
        "two means",
        Kind.VALUE,
        (b, t) -> b.denormalize(t.f32(1, 2, 2, 3), new float[2], new float[3], t.f32(1, 2, 2, 3)));
    add(
        "denormalize",
        "four deviations",
        Kind.VALUE,
        (b, t) -> b.denormalize(t.f32(1, 2, 2, 3), new float[3], new float[4], t.f32(1, 2, 2, 3)));
    for (float probability : new float[] {1, -0.1f, Float.NaN}) {
      add(
          "dropout",
          "a probability of " + probability,
          Kind.VALUE,
          (b, t) -> b.dropout(t.f32(4), probability, 1, 0, t.f32(4)));
    }
    add(
        "copy",
        "bytes",
        Kind.TYPE,
        (b, t) -> {
          Tensor bytes = t.scope().allocate(DType.U8, Shape.of(4));
          b.copy(bytes, t.scope().allocate(DType.U8, Shape.of(4)));
        });
  }

  static void camToMaps(Backend b, Trial t, ClassRows classes, int height, int k) {
    int n = classes.images();
    b.camToMaps(
        t.f32(n, height, 4, k),
        null,
        classes,
        EPS,
        t.f32(classes.rows(), height, 4),
        t.i32(n, k),
        t.i32(n, height, 4));
  }

  private void resizing() {
    int[] offsets = {3, -1, Integer.MAX_VALUE};
    for (int offset : offsets) {
      add(
          "resizeBilinear",
          "into channels from " + offset,
          Kind.VALUE,
          (b, t) -> b.resizeBilinear(t.f32(1, 2, 2, 3), t.f32(1, 4, 4, 5), offset, true));
      add(
          "resizeBilinearBackward",
          "from channels from " + offset,
          Kind.VALUE,
          (b, t) -> b.resizeBilinearBackward(t.f32(1, 4, 4, 5), offset, t.f32(1, 2, 2, 3), true));
    }
  }

  /** Class lists that do not belong to the tensors. */
  private void batches() {
    ClassRows three = ClassRows.all(3, 2);
    ClassRows more = ClassRows.present(new int[][] {{1}, {2}}, 3);
    add(
        "structureSeeds",
        "present of three images",
        Kind.SHAPE,
        (b, t) -> structureSeeds(b, t, three));
    add(
        "structureSeeds",
        "present of more classes",
        Kind.SHAPE,
        (b, t) -> structureSeeds(b, t, more));
    add(
        "prototypes",
        "classes of three images",
        Kind.SHAPE,
        (b, t) -> b.prototypes(t.f32(2, 3, 4, 5), t.i32(2, 3, 4), three, t.f32(three.rows(), 5)));
    add(
        "argmaxMaps",
        "classes of three images",
        Kind.SHAPE,
        (b, t) -> b.argmaxMaps(t.f32(3, 3, 4), three, 1, t.i32(2, 3, 4)));
    add(
        "limitSeeds",
        "classes of three images",
        Kind.SHAPE,
        (b, t) -> b.limitSeeds(t.f32(3, 3, 4), three, 0.5f, t.i32(2, 3, 4)));
    add("camToMaps", "cam of fewer classes", Kind.SHAPE, (b, t) -> camToMaps(b, t, more, 3, 2));
  }

  private static void structureSeeds(Backend b, Trial t, ClassRows present) {
    b.structureSeeds(
        t.f32(2, 3, 4, 5), t.f32(3, 3, 4), ROWS, present, null, EPS, t.i32(2, 3, 4), null);
  }

  private void optimizer() {
    for (long count : new long[] {1, 0, -3}) {
      add(
          "batchNormUpdate",
          "a variance of " + count,
          Kind.VALUE,
          (b, t) -> b.batchNormUpdate(t.f32(3), t.f32(3), EPS, count, 0.1f, t.f32(3), t.f32(3)));
    }
    add(
        "sgdStep",
        "momentum without a velocity",
        Kind.VALUE,
        (b, t) ->
            b.sgdStep(
                List.of(new SgdSlot(t.f32(4), t.f32(4), null, 1)),
                t.f32(1),
                null,
                1,
                0,
                0.9f,
                true));
    add(
        "sgdStep",
        "the same weight twice",
        Kind.OVERLAP,
        (b, t) -> {
          SgdSlot slot = new SgdSlot(t.f32(4), t.f32(4), null, 1);
          b.sgdStep(List.of(slot, slot), t.f32(1), null, 1, 0, 0, true);
        });
    add(
        "sgdStep",
        "the loss scale as a weight",
        Kind.OVERLAP,
        (b, t) -> {
          Tensor scale = t.f32(2);
          SgdSlot slot = new SgdSlot(scale, t.f32(2), null, 1);
          b.sgdStep(List.of(slot), t.f32(1), scale, 1, 0, 0, true);
        });
    for (int interval : new int[] {0, -1, (1 << 24) + 1}) {
      add(
          "updateLossScale",
          "an interval of " + interval,
          Kind.VALUE,
          (b, t) -> b.updateLossScale(t.f32(1), t.f32(2), interval));
    }
  }

  /** Holders of weights that are closed, empty or somebody else's. */
  private void holders() {
    add(
        "convForward",
        "an image smaller than the kernel",
        Kind.SHAPE,
        "too small",
        (b, t) -> {
          ConvSpec spec = new ConvSpec(1, 1, 7, 1, 0, 1);
          try (ConvWeights weights = b.convWeights(spec)) {
            b.loadWeights(weights, t.constant(0, 1, 1, 7, 7), null);
            b.convForward(weights, t.f32(1, 3, 3, 1), null, null, false, t.f32(1, 1, 1, 1));
          }
        });
    record User(String operation, Use use) {}
    List<User> users =
        List.of(
            new User("loadWeights", (b, t, w) -> b.loadWeights(w, t.f32(4, 3, 3, 3), null)),
            new User(
                "convForward",
                (b, t, w) ->
                    b.convForward(w, t.f32(1, 5, 5, 3), null, null, false, t.f32(1, 5, 5, 4))),
            new User(
                "convBackwardData",
                (b, t, w) -> b.convBackwardData(w, t.f32(1, 5, 5, 4), t.f32(1, 5, 5, 3))));
    for (User user : users) {
      add(
          user.operation,
          "weights of another backend",
          Kind.FOREIGN,
          (b, t) -> user.use.of(b, t, new ForeignWeights(CONV)));
      add(
          user.operation,
          "closed weights",
          Kind.STATE,
          (b, t) -> {
            ConvWeights closed = b.convWeights(CONV);
            b.loadWeights(closed, t.constant(0, 4, 3, 3, 3), null);
            closed.close();
            user.use.of(b, t, closed);
          });
      if (!user.operation.equals("loadWeights")) {
        add(
            user.operation,
            "weights that were never loaded",
            Kind.STATE,
            (b, t) -> {
              try (ConvWeights empty = b.convWeights(CONV)) {
                user.use.of(b, t, empty);
              }
            });
      }
    }
  }

  /** What is done with a holder. */
  private interface Use {
    void of(Backend backend, Trial trial, ConvWeights weights);
  }

  private record ForeignWeights(ConvSpec spec) implements ConvWeights {
    @Override
    public void close() {}
  }

  private void lifetimes() {
    add(
        "fill",
        "a tensor of a closed scope",
        Kind.STATE,
        (b, t) -> {
          Scope inner = b.scope();
          Tensor x = inner.f32(4);
          inner.close();
          b.fill(x, 1);
        });
    add(
        "fill",
        "a view of a released tensor",
        Kind.STATE,
        (b, t) -> {
          Tensor x = t.f32(6);
          Tensor view = x.reshape(2, 3);
          x.release();
          b.fill(view, 1);
        });
    add(
        "scope",
        "a tensor in a closed scope",
        Kind.STATE,
        "closed",
        (b, t) -> {
          Scope inner = b.scope();
          inner.close();
          inner.f32(4);
        });
    add("scope", "a tensor of a closed backend", Kind.CLOSED, "closed", (b, t) -> t.scope().f32(4));
    add("scope", "a negative size", Kind.VALUE, "negative", (b, t) -> t.scope().f32(2, -1));
    add(
        "scope",
        "more bytes than a long counts",
        Kind.VALUE,
        "larger than any memory",
        (b, t) -> t.scope().f32(Long.MAX_VALUE));
  }

  private void irn() {
    PathIndex paths = IrnSamples.PATHS;
    for (int offset : new int[] {3, -1, Integer.MAX_VALUE}) {
      add(
          "crop",
          "into channels from " + offset,
          Kind.VALUE,
          (b, t) -> b.crop(t.f32(1, 3, 3, 3), t.f32(1, 2, 2, 5), offset));
      add(
          "cropBackward",
          "from channels from " + offset,
          Kind.VALUE,
          (b, t) -> b.cropBackward(t.f32(1, 2, 2, 5), offset, t.f32(1, 3, 3, 3)));
    }
    for (int groups : new int[] {0, 4, 12}) {
      add(
          "groupNormForward",
          groups + " groups of 6 channels",
          Kind.SHAPE,
          (b, t) ->
              b.groupNormForward(
                  t.f32(1, 2, 2, 6),
                  t.f32(6),
                  t.f32(6),
                  EPS,
                  false,
                  t.f32(1, 2, 2, 6),
                  t.f32(1, groups),
                  t.f32(1, groups)));
    }
    add(
        "pathAffinityLoss",
        "two weights",
        Kind.VALUE,
        (b, t) ->
            b.pathAffinityLoss(
                t.f32(1, 5, 7), t.i32(1, 5, 7), paths, 2, new float[2], t.f32(1, 3), null));
    add(
        "displacementLoss",
        "three weights",
        Kind.VALUE,
        (b, t) ->
            b.displacementLoss(
                t.f32(1, 5, 7, 2), t.i32(1, 5, 7), paths, 2, new float[3], t.f32(1, 2), null));
    add("randomWalk", "-1 steps", Kind.VALUE, (b, t) -> walk(b, t, 10, -1));
    add(
        "randomWalk",
        "a power that is not a number",
        Kind.VALUE,
        (b, t) -> walk(b, t, Float.NaN, 1));
    add("PathIndex", "radius 1", Kind.VALUE, "radius 1", (b, t) -> PathIndex.of(1));
    add("PathIndex", "radius 65", Kind.VALUE, "radius 65", (b, t) -> PathIndex.of(65));
  }

  private static void walk(Backend b, Trial t, float beta, int steps) {
    b.randomWalk(t.f32(4, 5), t.f32(2, 4, 5), IrnSamples.PATHS, beta, steps, t.f32(2, 4, 5));
  }

  /** Arguments that refuse to exist. */
  private void arguments() {
    add(
        "ClassRows",
        "class 0 as foreground",
        Kind.VALUE,
        "image 1",
        (b, t) -> ClassRows.present(new int[][] {{1}, {0}}, 3));
    add(
        "ClassRows",
        "a class beyond the last",
        Kind.VALUE,
        "1..3",
        (b, t) -> ClassRows.present(new int[][] {{4}}, 3));
    add(
        "ClassRows",
        "a class twice",
        Kind.VALUE,
        "distinct",
        (b, t) -> ClassRows.present(new int[][] {{2, 2}}, 3));
    add("ClassRows", "-1 images", Kind.VALUE, "-1 images", (b, t) -> ClassRows.all(-1, 3));
    add(
        "ClassRows",
        "-2 classes",
        Kind.VALUE,
        "-2 classes",
        (b, t) -> ClassRows.present(new int[][] {{}}, -2));
    add(
        "ClassRows",
        "more rows than an int counts",
        Kind.VALUE,
        "class rows",
        (b, t) -> ClassRows.all(1 << 20, 1 << 20));
    add(
        "ConvSpec",
        "a negative padding",
        Kind.VALUE,
        "padding -1",
        (b, t) -> new ConvSpec(3, 4, 3, 1, -1, 1));
    add("ConvSpec", "stride 0", Kind.VALUE, "stride 0", (b, t) -> new ConvSpec(3, 4, 3, 0, 1, 1));
    add("PamrOptions", "no dilation", Kind.VALUE, "PAMR", (b, t) -> pamr(1, 0.1f));
    add("PamrOptions", "dilation 0", Kind.VALUE, "PAMR", (b, t) -> pamr(1, 0.1f, 1, 0));
    add("PamrOptions", "-1 iterations", Kind.VALUE, "PAMR", (b, t) -> pamr(-1, 0.1f, 1));
    add("PamrOptions", "sigma NaN", Kind.VALUE, "PAMR", (b, t) -> pamr(1, Float.NaN, 1));
    add("PamrOptions", "sigma 0", Kind.VALUE, "PAMR", (b, t) -> pamr(1, 0, 1));
  }

  private static PamrOptions pamr(int iterations, float sigma, int... dilations) {
    return new PamrOptions(dilations, iterations, PamrOptions.Kernel.GAUSSIAN, sigma);
  }
}
