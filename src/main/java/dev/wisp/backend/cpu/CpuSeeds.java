package dev.wisp.backend.cpu;

import dev.wisp.backend.ClassRows;
import dev.wisp.backend.SeedOps;
import dev.wisp.tensor.Shape;
import dev.wisp.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link SeedOps} by native/src/kernels/structure.cpp, prototypes.cpp and reactivate.cpp. */
final class CpuSeeds implements SeedOps {
  private final CpuContext context;

  CpuSeeds(CpuContext context) {
    this.context = context;
  }

  /** Sizes shared by the operands of one operation. */
  private record Sizes(long n, long h, long w, long d) {
    long positions() {
      return h * w;
    }
  }

  private static Sizes sizes(Call call, Tensor feature, ClassRows classes) {
    Shape shape = feature.shape();
    call.require(
        shape.rank() == 4 && shape.size(0) == classes.images(),
        "features %s do not go with %s".formatted(feature, classes));
    return new Sizes(shape.size(0), shape.size(1), shape.size(2), shape.size(3));
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
    Call call = context.call("structureSeeds");
    Sizes s = sizes(call, feature, classes);
    call.require(
        present.images() == classes.images() && present.total() == classes.total(),
        "%s and %s describe different batches".formatted(classes, present));
    MemorySegment features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    MemorySegment source = call.in("maps", maps, classes.rows(), s.h, s.w);
    MemorySegment mask = call.inOrNull("valid", valid, s.n, s.h, s.w);
    MemorySegment target = call.outInts("seeds", seeds, s.n, s.h, s.w);
    MemorySegment ratios = call.outOrNull("iou", iou, classes.rows(), s.h, s.w);
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    MemorySegment presentOffsets = call.ints(present.offsets());
    MemorySegment presentIds = call.ints(present.ids());
    call.run(
        () ->
            (int)
                NativeKernels.STRUCTURE_SEEDS.invokeExact(
                    features,
                    s.n,
                    s.positions(),
                    s.d,
                    source,
                    offsets,
                    ids,
                    presentOffsets,
                    presentIds,
                    classes.total(),
                    mask,
                    eps,
                    target,
                    ratios));
  }

  @Override
  public void prototypes(Tensor feature, Tensor seeds, ClassRows classes, Tensor prototypes) {
    Call call = context.call("prototypes");
    Sizes s = sizes(call, feature, classes);
    MemorySegment features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    MemorySegment labels = call.inInts("seeds", seeds, s.n, s.h, s.w);
    MemorySegment target = call.out("prototypes", prototypes, classes.rows(), s.d);
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    call.run(
        () ->
            (int)
                NativeKernels.PROTOTYPES.invokeExact(
                    features,
                    s.n,
                    s.positions(),
                    s.d,
                    labels,
                    offsets,
                    ids,
                    classes.total(),
                    target));
  }

  @Override
  public void prototypesBackward(
      Tensor dPrototypes, Tensor seeds, ClassRows classes, Tensor dFeature) {
    Call call = context.call("prototypesBackward");
    Sizes s = sizes(call, dFeature, classes);
    MemorySegment gradient = call.in("dPrototypes", dPrototypes, classes.rows(), s.d);
    MemorySegment labels = call.inInts("seeds", seeds, s.n, s.h, s.w);
    MemorySegment target = call.out("dFeature", dFeature, s.n, s.h, s.w, s.d);
    MemorySegment offsets = call.ints(classes.offsets());
    MemorySegment ids = call.ints(classes.ids());
    call.run(
        () ->
            (int)
                NativeKernels.PROTOTYPES_BACKWARD.invokeExact(
                    gradient,
                    s.n,
                    s.positions(),
                    s.d,
                    labels,
                    offsets,
                    ids,
                    classes.total(),
                    target));
  }

  @Override
  public void reactivate(
      Tensor feature,
      Tensor prototypes,
      ClassRows classes,
      Tensor featureNorms,
      Tensor prototypeNorms,
      Tensor maps) {
    Call call = context.call("reactivate");
    Sizes s = sizes(call, feature, classes);
    long rows = classes.rows();
    MemorySegment features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    MemorySegment centres = call.in("prototypes", prototypes, rows, s.d);
    MemorySegment ownNorms = call.out("featureNorms", featureNorms, s.n, s.h, s.w);
    MemorySegment centreNorms = call.out("prototypeNorms", prototypeNorms, rows);
    MemorySegment target = call.out("maps", maps, rows, s.h, s.w);
    MemorySegment offsets = call.ints(classes.offsets());
    call.run(
        () ->
            (int)
                NativeKernels.REACTIVATE.invokeExact(
                    features,
                    s.n,
                    s.positions(),
                    s.d,
                    centres,
                    offsets,
                    ownNorms,
                    centreNorms,
                    target));
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
    Call call = context.call("reactivateBackward");
    Sizes s = sizes(call, feature, classes);
    long rows = classes.rows();
    MemorySegment features = call.in("feature", feature, s.n, s.h, s.w, s.d);
    MemorySegment centres = call.in("prototypes", prototypes, rows, s.d);
    MemorySegment ownNorms = call.in("featureNorms", featureNorms, s.n, s.h, s.w);
    MemorySegment centreNorms = call.in("prototypeNorms", prototypeNorms, rows);
    MemorySegment forward = call.in("maps", maps, rows, s.h, s.w);
    MemorySegment gradient = call.in("dMaps", dMaps, rows, s.h, s.w);
    MemorySegment featureGradient = call.out("dFeature", dFeature, s.n, s.h, s.w, s.d);
    MemorySegment centreGradient = call.out("dPrototypes", dPrototypes, rows, s.d);
    MemorySegment offsets = call.ints(classes.offsets());
    call.run(
        () ->
            (int)
                NativeKernels.REACTIVATE_BACKWARD.invokeExact(
                    features,
                    s.n,
                    s.positions(),
                    s.d,
                    centres,
                    offsets,
                    ownNorms,
                    centreNorms,
                    forward,
                    gradient,
                    featureGradient,
                    centreGradient));
  }
}
