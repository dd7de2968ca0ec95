package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.SeedOps;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link SeedOps} by {@link CudaStructure}, cuda/prototypes.cu and reactivate.cu. */
final class CudaSeeds implements SeedOps {
  private static final int THREADS = 256;
  private static final int REACTIVATE_THREADS = 128;
  private static final int WARPS = THREADS / 32;
  private static final int REACTIVATE_WARPS = REACTIVATE_THREADS / 32;

  /** Channels of a block of the fast pooling and gradient kernels. */
  private static final int CHANNELS = 32;

  /** Positions of a block of the fast reactivation kernel. */
  private static final int POSITIONS = 4 * REACTIVATE_WARPS;

  private static final long MOST_IMAGES = 65535;

  private final CudaContext context;
  private final boolean naive;
  private final CudaStructure structure;
  private final CudaKernel prototypes;
  private final CudaKernel prototypesBackward;
  private final CudaKernel norms;
  private final CudaKernel reactivate;
  private final CudaKernel reactivateBackward;

  CudaSeeds(CudaContext context) {
    this.context = context;
    naive = context.naive();
    structure = new CudaStructure(context);
    prototypes =
        context.judged(
            "prototypes",
            "wisp_prototypes",
            pointer("feature"),
            pointer("seeds"),
            pointer("offsets"),
            pointer("ids"),
            pointer("prototypes"),
            i64("n"),
            i64("positions"),
            i64("d"));
    prototypesBackward =
        context.judged(
            "prototypes",
            "wisp_prototypes_backward",
            pointer("d_prototypes"),
            pointer("seeds"),
            pointer("offsets"),
            pointer("ids"),
            pointer("d_feature"),
            i64("n"),
            i64("positions"),
            i64("d"));
    norms =
        context.judged(
            "reactivate",
            "wisp_reactivate_norms",
            pointer("vectors"),
            pointer("norms"),
            i64("rows"),
            i64("d"));
    reactivate =
        context.judged(
            "reactivate",
            "wisp_reactivate",
            pointer("feature"),
            pointer("prototypes"),
            pointer("prototype_norms"),
            pointer("offsets"),
            pointer("feature_norms"),
            pointer("maps"),
            i64("n"),
            i64("positions"),
            i64("d"));
    reactivateBackward =
        context.judged(
            "reactivate",
            "wisp_reactivate_backward",
            pointer("feature"),
            pointer("prototypes"),
            pointer("offsets"),
            pointer("feature_norms"),
            pointer("prototype_norms"),
            pointer("maps"),
            pointer("d_maps"),
            pointer("d_feature"),
            pointer("d_prototypes"),
            i64("n"),
            i64("positions"),
            i64("d"));
  }

  /** Sizes shared by the operands of one operation. */
  private record Sizes(long n, long h, long w, long d) {
    long positions() {
      return h * w;
    }
  }

  private static Sizes sizes(CudaCall call, Tensor feature, ClassRows classes) {
    Shape shape = feature.shape();
    call.require(
        shape.rank() == 4 && shape.size(0) == classes.images(),
        "features %s do not go with %s".formatted(feature, classes));
    Sizes s = new Sizes(shape.size(0), shape.size(1), shape.size(2), shape.size(3));
    call.require(
        s.n <= MOST_IMAGES && s.positions() <= Integer.MAX_VALUE,
        "more than %d images, or 2^31 positions or more".formatted(MOST_IMAGES));
    return s;
  }

  @Override
  public void structureSeeds(
      Tensor feature,
      Tensor maps,
      ClassRows classes,
      ClassRows present,
      @Nullable Tensor valid,
      float eps,
      Tensor seeds,
      @Nullable Tensor iou) {
    CudaCall call = context.call("structureSeeds");
    Sizes s = sizes(call, feature, classes);
    call.require(
        present.images() == classes.images() && present.total() == classes.total(),
        "%s and %s describe different batches".formatted(classes, present));
    call.require(s.d > 0, "the features have no channels");
    long features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    long source = call.in("maps", maps, classes.rows(), s.h, s.w);
    long mask = call.inOrNull("valid", valid, s.n, s.h, s.w);
    long target = call.outInts("seeds", seeds, s.n, s.h, s.w);
    long ratios = call.outOrNull("iou", iou, classes.rows(), s.h, s.w);
    if (s.n == 0 || s.positions() == 0) {
      return;
    }
    CudaStructure.Sizes batch =
        new CudaStructure.Sizes(s.n, s.positions(), s.d, classes.rows(), classes.total());
    call.run(
        () ->
            structure.seeds(
                call,
                batch,
                features,
                source,
                context.rows(classes),
                context.rows(present),
                mask,
                eps,
                target,
                ratios));
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    CudaCall call = context.call("prototypes");
    Sizes s = sizes(call, feature, classes);
    long features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    long labels = call.inInts("seeds", seeds, s.n, s.h, s.w);
    long target = call.out("prototypes", prototypes, classes.rows(), s.d);
    long elements = classes.rows() * s.d;
    call.run(() -> prototypes(features, labels, context.rows(classes), target, s, elements));
  }

  private void prototypes(
      long feature, long seeds, CudaClassRows.Rows rows, long prototypes, Sizes s, long elements) {
    this.prototypes
        .pointer(feature)
        .pointer(seeds)
        .pointer(rows.offsets())
        .pointer(rows.ids())
        .pointer(prototypes)
        .i64(s.n)
        .i64(s.positions())
        .i64(s.d)
        .launch(
            naive ? Math.ceilDiv(elements, THREADS) : Math.ceilDiv(s.d, CHANNELS),
            naive ? 1 : s.n,
            1,
            THREADS,
            1,
            0);
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    CudaCall call = context.call("prototypesBackward");
    Sizes s = sizes(call, dFeature, classes);
    long gradient = call.in("dPrototypes", dPrototypes, classes.rows(), s.d);
    long labels = call.inInts("seeds", seeds, s.n, s.h, s.w);
    long target = call.out("dFeature", dFeature, s.n, s.h, s.w, s.d);
    call.run(() -> prototypesBackward(gradient, labels, context.rows(classes), target, s));
  }

  private void prototypesBackward(
      long dPrototypes, long seeds, CudaClassRows.Rows rows, long dFeature, Sizes s) {
    this.prototypesBackward
        .pointer(dPrototypes)
        .pointer(seeds)
        .pointer(rows.offsets())
        .pointer(rows.ids())
        .pointer(dFeature)
        .i64(s.n)
        .i64(s.positions())
        .i64(s.d)
        .launch(
            naive ? Math.ceilDiv(s.positions() * s.d, THREADS) : Math.ceilDiv(s.positions(), WARPS),
            s.n,
            1,
            THREADS,
            1,
            0);
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    CudaCall call = context.call("reactivate");
    Sizes s = sizes(call, feature, classes);
    long rows = classes.rows();
    long features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    long centres = call.in("prototypes", prototypes, rows, s.d);
    long ownNorms = call.out("featureNorms", featureNorms, s.n, s.h, s.w);
    long centreNorms = call.out("prototypeNorms", prototypeNorms, rows);
    long target = call.out("maps", maps, rows, s.h, s.w);
    call.run(
        () -> {
          norms(centres, centreNorms, rows, s.d);
          reactivate(features, centres, centreNorms, context.rows(classes), ownNorms, target, s);
        });
  }

  private void norms(long vectors, long norms, long rows, long d) {
    this.norms
        .pointer(vectors)
        .pointer(norms)
        .i64(rows)
        .i64(d)
        .launch(
            Math.ceilDiv(rows, naive ? REACTIVATE_THREADS : REACTIVATE_WARPS),
            REACTIVATE_THREADS,
            0);
  }

  private void reactivate(
      long feature,
      long prototypes,
      long prototypeNorms,
      CudaClassRows.Rows rows,
      long featureNorms,
      long maps,
      Sizes s) {
    this.reactivate
        .pointer(feature)
        .pointer(prototypes)
        .pointer(prototypeNorms)
        .pointer(rows.offsets())
        .pointer(featureNorms)
        .pointer(maps)
        .i64(s.n)
        .i64(s.positions())
        .i64(s.d)
        .launch(
            Math.ceilDiv(s.positions(), naive ? REACTIVATE_THREADS : POSITIONS),
            s.n,
            1,
            REACTIVATE_THREADS,
            1,
            0);
  }

  @Override
  public void reactivateBackward(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps,
      Tensor dMaps,
      Tensor dFeature,
      Tensor dPrototypes) {
    CudaCall call = context.call("reactivateBackward");
    Sizes s = sizes(call, feature, classes);
    long rows = classes.rows();
    long features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    long centres = call.in("prototypes", prototypes, rows, s.d);
    long ownNorms = call.in("featureNorms", featureNorms, s.n, s.h, s.w);
    long centreNorms = call.in("prototypeNorms", prototypeNorms, rows);
    long forward = call.in("maps", maps, rows, s.h, s.w);
    long gradient = call.in("dMaps", dMaps, rows, s.h, s.w);
    long featureGradient = call.out("dFeature", dFeature, s.n, s.h, s.w, s.d);
    long centreGradient = call.out("dPrototypes", dPrototypes, rows, s.d);
    call.run(
        () ->
            reactivateBackward(
                features,
                centres,
                context.rows(classes),
                ownNorms,
                centreNorms,
                forward,
                gradient,
                featureGradient,
                centreGradient,
                s));
  }

  private void reactivateBackward(
      long feature,
      long prototypes,
      CudaClassRows.Rows rows,
      long featureNorms,
      long prototypeNorms,
      long maps,
      long dMaps,
      long dFeature,
      long dPrototypes,
      Sizes s) {
    this.reactivateBackward
        .pointer(feature)
        .pointer(prototypes)
        .pointer(rows.offsets())
        .pointer(featureNorms)
        .pointer(prototypeNorms)
        .pointer(maps)
        .pointer(dMaps)
        .pointer(dFeature)
        .pointer(dPrototypes)
        .i64(s.n)
        .i64(s.positions())
        .i64(s.d)
        .launch(
            Math.ceilDiv(s.d, naive ? REACTIVATE_THREADS : CHANNELS),
            s.n,
            1,
            naive ? REACTIVATE_THREADS : THREADS,
            1,
            0);
  }
}
