package dev.wisp.backend.benchmark;

import dev.wisp.backend.Backend;
import dev.wisp.backend.ClassRows;
import dev.wisp.backend.ConvSpec;
import dev.wisp.backend.ConvWeights;
import dev.wisp.backend.MapOps.Normalization;
import dev.wisp.backend.OptimizerOps.SgdSlot;
import dev.wisp.backend.PamrOptions;
import dev.wisp.backend.benchmark.KernelBenchmark.Operands;
import dev.wisp.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * The operations that a step spends its time in, at the sizes of the paper's recipe: 512x512 crops,
 * features 32x32x768, guide 128x128, 20 classes of which 2 are in the image.
 */
public final class KernelBenchmarks {
  private static final int GRID = 32;
  private static final int GUIDE = 128;
  private static final int DEPTH = 768;
  private static final int CLASSES = 20;
  private static final int ROWS = 3;
  private static final float EPS = 1e-5f;
  private static final long GRID_AREA = GRID * GRID;
  private static final long GUIDE_AREA = GUIDE * GUIDE;
  private static final int FLOAT = Float.BYTES;

  private final int batch;
  private final ClassRows classes;

  private KernelBenchmarks(int batch) {
    this.batch = batch;
    int[][] present = new int[batch][];
    Arrays.fill(present, new int[] {1, 2});
    classes = ClassRows.present(present, CLASSES);
  }

  /** All of them for a batch of so many images. */
  public static List<KernelBenchmark> all(int batch) {
    KernelBenchmarks make = new KernelBenchmarks(batch);
    return List.of(
        make.pamrAffinity(),
        make.pamrSteps(),
        make.structureSeeds(),
        make.prototypes(),
        make.reactivate(),
        make.reactivateBackward(),
        make.camToMaps(),
        make.normalizeMaps(),
        make.resizeBilinear(),
        make.resizeBilinearBackward(),
        make.l2Normalize(),
        make.convForward(new ConvSpec(256, 256, 3, 1, 1, 1), GRID),
        make.convForward(new ConvSpec(1024, 256, 1, 1, 0, 1), GRID),
        make.convForward(new ConvSpec(3, 64, 7, 2, 3, 1), 512),
        make.convBackwardData(new ConvSpec(256, 256, 3, 1, 1, 1)),
        make.convBackwardWeights(new ConvSpec(256, 256, 3, 1, 1, 1)),
        make.sgdStep());
  }

  private String sized(String sizes) {
    return batch + " x " + sizes;
  }

  private KernelBenchmark pamrAffinity() {
    PamrOptions options = PamrOptions.standard();
    int neighbours = options.neighbours();
    return new KernelBenchmark(
        "pamrAffinity",
        sized("128x128x3, %d neighbours".formatted(neighbours)),
        (double) batch * GUIDE_AREA * (3 + neighbours) * FLOAT,
        (double) batch * GUIDE_AREA * neighbours * 3 * 5,
        t -> {
          Tensor guide = t.uniform(batch, GUIDE, GUIDE, 3);
          Tensor affinity = t.zeros(batch, neighbours, GUIDE, GUIDE);
          return () -> t.backend().pamrAffinity(guide, options, affinity, null, null);
        });
  }

  private KernelBenchmark pamrSteps() {
    PamrOptions options = PamrOptions.standard();
    int neighbours = options.neighbours();
    int steps = options.iterations();
    return new KernelBenchmark(
        "pamrSteps",
        sized("128x128, %d maps, %d steps".formatted(ROWS, steps)),
        (double) batch * steps * GUIDE_AREA * (neighbours + 2 * ROWS) * FLOAT,
        (double) batch * steps * GUIDE_AREA * neighbours * ROWS * 2,
        t -> {
          Tensor affinity = t.uniform(batch, neighbours, GUIDE, GUIDE);
          Tensor maps = t.uniform(classes.rows(), GUIDE, GUIDE);
          Tensor out = t.zeros(classes.rows(), GUIDE, GUIDE);
          return () -> t.backend().pamrSteps(affinity, maps, classes, options, out);
        });
  }

  private Tensor feature(Operands t) {
    return t.uniform(batch, GRID, GRID, DEPTH);
  }

  private Tensor maps(Operands t) {
    return t.uniform(classes.rows(), GRID, GRID);
  }

  private KernelBenchmark structureSeeds() {
    return new KernelBenchmark(
        "structureSeeds",
        sized("32x32x768, %d maps".formatted(ROWS)),
        (double) batch * GRID_AREA * (DEPTH + ROWS + 1) * FLOAT,
        // S is symmetric: half its products, then a sum for each map and row.
        (double) batch * GRID_AREA * GRID_AREA * (DEPTH + 2 * (ROWS + 1)),
        t -> {
          Tensor feature = feature(t);
          Tensor maps = maps(t);
          Tensor seeds = t.ints(1, batch, GRID, GRID);
          return () ->
              t.backend().structureSeeds(feature, maps, classes, classes, null, EPS, seeds, null);
        });
  }

  private KernelBenchmark prototypes() {
    return new KernelBenchmark(
        "prototypes",
        sized("32x32x768"),
        (double) batch * GRID_AREA * (DEPTH + 1) * FLOAT,
        (double) batch * GRID_AREA * DEPTH,
        t -> {
          Tensor feature = feature(t);
          Tensor seeds = t.ints(ROWS, batch, GRID, GRID);
          Tensor prototypes = t.zeros(classes.rows(), DEPTH);
          return () -> t.backend().prototypes(feature, seeds, classes, prototypes);
        });
  }

  private KernelBenchmark reactivate() {
    return new KernelBenchmark(
        "reactivate",
        sized("32x32x768, %d maps".formatted(ROWS)),
        (double) batch * GRID_AREA * (DEPTH + ROWS + 1) * FLOAT,
        (double) batch * GRID_AREA * DEPTH * 2 * (ROWS + 1),
        t -> {
          Tensor feature = feature(t);
          Tensor prototypes = t.uniform(classes.rows(), DEPTH);
          Tensor featureNorms = t.zeros(batch, GRID, GRID);
          Tensor prototypeNorms = t.zeros(classes.rows());
          Tensor maps = maps(t);
          return () ->
              t.backend()
                  .reactivate(feature, prototypes, classes, featureNorms, prototypeNorms, maps);
        });
  }

  private KernelBenchmark reactivateBackward() {
    return new KernelBenchmark(
        "reactivateBackward",
        sized("32x32x768, %d maps".formatted(ROWS)),
        (double) batch * GRID_AREA * (3 * DEPTH + 2 * ROWS + 1) * FLOAT,
        (double) batch * GRID_AREA * DEPTH * 4 * (ROWS + 1),
        t -> {
          Backend backend = t.backend();
          Tensor feature = feature(t);
          Tensor prototypes = t.uniform(classes.rows(), DEPTH);
          Tensor featureNorms = t.zeros(batch, GRID, GRID);
          Tensor prototypeNorms = t.zeros(classes.rows());
          Tensor maps = maps(t);
          backend.reactivate(feature, prototypes, classes, featureNorms, prototypeNorms, maps);
          Tensor dMaps = maps(t);
          Tensor dFeature = t.zeros(batch, GRID, GRID, DEPTH);
          Tensor dPrototypes = t.zeros(classes.rows(), DEPTH);
          return () ->
              backend.reactivateBackward(
                  feature,
                  prototypes,
                  classes,
                  featureNorms,
                  prototypeNorms,
                  maps,
                  dMaps,
                  dFeature,
                  dPrototypes);
        });
  }

  private KernelBenchmark camToMaps() {
    return new KernelBenchmark(
        "camToMaps",
        sized("32x32x20, %d maps".formatted(ROWS)),
        // The background is what no class claims, absent ones too: all are read.
        (double) batch * GRID_AREA * (CLASSES + ROWS + 1) * FLOAT,
        (double) batch * GRID_AREA * 4 * CLASSES,
        t -> {
          Tensor cam = t.uniform(batch, GRID, GRID, CLASSES);
          Tensor maps = maps(t);
          Tensor peak = t.ints(1, batch, CLASSES);
          Tensor winner = t.ints(1, batch, GRID, GRID);
          return () -> t.backend().camToMaps(cam, null, classes, EPS, maps, peak, winner);
        });
  }

  private KernelBenchmark normalizeMaps() {
    return new KernelBenchmark(
        "normalizeMaps",
        sized("512x512, %d maps".formatted(ROWS)),
        (double) classes.rows() * 512 * 512 * 2 * FLOAT,
        (double) classes.rows() * 512 * 512 * 2,
        t -> {
          Tensor maps = t.uniform(classes.rows(), 512, 512);
          Tensor out = t.zeros(classes.rows(), 512, 512);
          Tensor peak = t.ints(1, classes.rows(), 2);
          return () -> t.backend().normalizeMaps(maps, Normalization.MAX, EPS, out, peak);
        });
  }

  private KernelBenchmark resizeBilinear() {
    return new KernelBenchmark(
        "resizeBilinear",
        sized("64x64x256 to 32x32x256"),
        (double) batch * (64 * 64 + GRID_AREA) * 256 * FLOAT,
        (double) batch * GRID_AREA * 256 * 7,
        t -> {
          Tensor large = t.uniform(batch, 64, 64, 256);
          Tensor small = t.zeros(batch, GRID, GRID, 256);
          return () -> t.backend().resizeBilinear(large, small, 0, true);
        });
  }

  private KernelBenchmark resizeBilinearBackward() {
    return new KernelBenchmark(
        "resizeBilinearBackward",
        sized("32x32x256 to 64x64x256"),
        (double) batch * (64 * 64 + GRID_AREA) * 256 * FLOAT,
        (double) batch * GRID_AREA * 256 * 8,
        t -> {
          Tensor small = t.uniform(batch, GRID, GRID, 256);
          Tensor large = t.zeros(batch, 64, 64, 256);
          return () -> t.backend().resizeBilinearBackward(small, 0, large, true);
        });
  }

  private KernelBenchmark l2Normalize() {
    return new KernelBenchmark(
        "l2Normalize",
        sized("32x32x768"),
        (double) batch * GRID_AREA * (2 * DEPTH + 1) * FLOAT,
        (double) batch * GRID_AREA * 3 * DEPTH,
        t -> {
          Tensor x = feature(t);
          Tensor y = t.zeros(batch, GRID, GRID, DEPTH);
          Tensor norms = t.zeros(batch, GRID, GRID);
          return () -> t.backend().l2Normalize(x, EPS, y, norms);
        });
  }

  private String text(ConvSpec spec, int size) {
    return sized(
        "%dx%d, %d to %d, kernel %d, stride %d"
            .formatted(
                size, size, spec.inChannels(), spec.outChannels(), spec.kernel(), spec.stride()));
  }

  private static double weights(ConvSpec spec) {
    return (double) spec.inChannels() * spec.outChannels() * spec.kernel() * spec.kernel();
  }

  private double bytes(ConvSpec spec, int size) {
    long out = spec.outSize(size);
    double activations =
        (double) size * size * spec.inChannels() + (double) out * out * spec.outChannels();
    return FLOAT * (batch * activations + weights(spec));
  }

  private double operations(ConvSpec spec, int size) {
    long out = spec.outSize(size);
    return 2 * (double) batch * out * out * weights(spec);
  }

  private static Tensor weight(Operands t, ConvSpec spec) {
    return t.uniform(spec.outChannels(), spec.inChannels(), spec.kernel(), spec.kernel());
  }

  private KernelBenchmark convForward(ConvSpec spec, int size) {
    return new KernelBenchmark(
        "convForward",
        text(spec, size),
        bytes(spec, size),
        operations(spec, size),
        t -> {
          ConvWeights holder = t.weights(spec, weight(t, spec));
          Tensor x = t.uniform(batch, size, size, spec.inChannels());
          Tensor bias = t.zeros(spec.outChannels());
          long out = spec.outSize(size);
          Tensor y = t.zeros(batch, out, out, spec.outChannels());
          return () -> t.backend().convForward(holder, x, bias, null, true, y);
        });
  }

  private KernelBenchmark convBackwardData(ConvSpec spec) {
    return new KernelBenchmark(
        "convBackwardData",
        text(spec, GRID),
        bytes(spec, GRID),
        operations(spec, GRID),
        t -> {
          ConvWeights holder = t.weights(spec, weight(t, spec));
          Tensor dy = t.uniform(batch, GRID, GRID, spec.outChannels());
          Tensor dx = t.zeros(batch, GRID, GRID, spec.inChannels());
          return () -> t.backend().convBackwardData(holder, dy, dx);
        });
  }

  private KernelBenchmark convBackwardWeights(ConvSpec spec) {
    return new KernelBenchmark(
        "convBackwardWeights",
        text(spec, GRID),
        bytes(spec, GRID),
        operations(spec, GRID),
        t -> {
          Tensor x = t.uniform(batch, GRID, GRID, spec.inChannels());
          Tensor dy = t.uniform(batch, GRID, GRID, spec.outChannels());
          Tensor dw = weight(t, spec);
          Tensor db = t.zeros(spec.outChannels());
          return () -> t.backend().convBackwardWeights(spec, x, dy, dw, db);
        });
  }

  private KernelBenchmark sgdStep() {
    long elements = 8 << 20;
    return new KernelBenchmark(
        "sgdStep",
        "8 million weights",
        (double) elements * 5 * FLOAT,
        (double) elements * 6,
        t -> {
          SgdSlot slot =
              new SgdSlot(t.uniform(elements), t.zeros(elements), t.zeros(elements), 1e-3f);
          Tensor norm = t.zeros(1);
          return () -> t.backend().sgdStep(List.of(slot), norm, null, 1, 1e-4f, 0.9f, false);
        });
  }
}
