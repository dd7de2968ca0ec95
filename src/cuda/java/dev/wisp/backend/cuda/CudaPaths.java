package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.IrnOps;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Losses over pairs of positions of {@link IrnOps}, {@code cuda/path_losses.cu}. */
final class CudaPaths {
  private static final String FILE = "path_losses";
  private static final int THREADS = 256;

  /** Sums of a piece of {@link #THREADS} positions: one for each kind of pair. */
  private static final int KINDS = 3;

  private static final long MOST_IMAGES = 65535;
  static final long MOST_POSITIONS = Integer.MAX_VALUE - THREADS;

  private final CudaContext context;
  private final CudaKernel pairCounts;
  private final CudaKernel affinity;
  private final CudaKernel affinityBackward;
  private final CudaKernel displacement;
  private final CudaKernel displacementBackward;
  private final CudaKernel totals;

  CudaPaths(CudaContext context) {
    this.context = context;
    pairCounts = context.judged(FILE, "wisp_pair_counts", sized("label", "", "sums"));
    affinity = context.judged(FILE, "wisp_path_affinity", sized("boundary", "label", "sums"));
    affinityBackward =
        context.kernel(
            FILE,
            "wisp_path_affinity_backward",
            sized(
                "boundary",
                "label",
                "d_boundary",
                f32("background"),
                f32("foreground"),
                f32("negative")));
    displacement =
        context.judged(FILE, "wisp_displacement", sized("displacement", "label", "sums"));
    displacementBackward =
        context.kernel(
            FILE,
            "wisp_displacement_backward",
            sized("displacement", "label", "d_displacement", f32("background"), f32("foreground")));
    totals =
        context.kernel(
            FILE,
            "wisp_pair_totals",
            pointer("sums"),
            pointer("totals"),
            i64("n"),
            i32("pieces"),
            i32("terms"));
  }

  /** Operands, a nameless one left out, with the paths before the last, then {@link Sizes}. */
  private static CudaParameter[] sized(
      String first, String second, String last, CudaParameter... weights) {
    Stream<CudaParameter> operands =
        Stream.of(first, second, "offsets", "coordinates", last)
            .filter(name -> !name.isEmpty())
            .map(CudaParameter::pointer);
    Stream<CudaParameter> sizes =
        Stream.of("h", "w", "margin", "paths", "classes").map(CudaParameter::i32);
    return Stream.of(operands, sizes, Stream.of(weights))
        .flatMap(all -> all)
        .toArray(CudaParameter[]::new);
  }

  /** Whether a map's positions, and its sides where it has none, can be numbered in 32 bits. */
  static boolean fits(long h, long w) {
    return Math.max(h, w) <= MOST_POSITIONS && h * w <= MOST_POSITIONS;
  }

  /** A batch of maps and the pairs in them. */
  private record Sizes(long n, long h, long w, PathIndex paths, int classes) {
    static Sizes of(CudaCall call, long[] label, PathIndex paths, int classes) {
      Sizes s = new Sizes(label[0], label[1], label[2], paths, classes);
      call.require(
          s.n <= MOST_IMAGES && fits(s.h, s.w),
          "takes at most %d maps of %d positions".formatted(MOST_IMAGES, MOST_POSITIONS));
      return s;
    }

    long pieces() {
      return Math.ceilDiv(h * w, THREADS);
    }

    CudaKernel set(CudaKernel kernel) {
      return kernel.i32(h).i32(w).i32(paths.margin()).i32(paths.count()).i32(classes);
    }
  }

  /** Paths on the device, until the call has run. */
  record Index(long offsets, long coordinates) {
    static Index of(CudaCall call, PathIndex paths) {
      return new Index(call.ints(paths.offsets()), call.ints(paths.coordinates()));
    }

    CudaKernel set(CudaKernel kernel) {
      return kernel.pointer(offsets).pointer(coordinates);
    }
  }

  /**
   * Launches a pass over all pieces and adds them.
   *
   * @param operands sets a kernel's operands, given where its sums go
   */
  private void sum(CudaCall call, Sizes s, long to, int terms, LongFunction<CudaKernel> operands) {
    long sums = call.workspace(s.n * s.pieces() * KINDS * Double.BYTES);
    long blocks = context.naive() ? Math.ceilDiv(s.pieces(), THREADS) : s.pieces();
    s.set(operands.apply(sums)).launch(blocks, s.n, 1, THREADS, 1, 0);
    totals
        .pointer(sums)
        .pointer(to)
        .i64(s.n)
        .i32(s.pieces())
        .i32(terms)
        .launchOver(s.n * terms, THREADS);
  }

  /** Launches a gradient's pass whose operands are set. */
  private static void gather(CudaKernel kernel, Sizes s) {
    kernel.launch(s.pieces(), s.n, 1, THREADS, 1, 0);
  }

  /** {@link IrnOps#pairCounts}. */
  void pairCounts(Tensor label, PathIndex paths, int classes, Tensor counts) {
    CudaCall call = context.call("pairCounts");
    long labels = call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = label.shape().toArray();
    long to = call.out("counts", counts, shape[0], KINDS);
    Sizes s = Sizes.of(call, shape, paths, classes);
    call.run(
        () -> {
          Index index = Index.of(call, paths);
          sum(call, s, to, KINDS, sums -> index.set(pairCounts.pointer(labels)).pointer(sums));
        });
  }

  /** {@link IrnOps#pathAffinityLoss}. */
  void pathAffinityLoss(
      Tensor boundary,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dBoundary) {
    CudaCall call = context.call("pathAffinityLoss");
    long labels = call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = label.shape().toArray();
    long map = call.in("boundary", boundary, shape);
    long to = call.out("losses", losses, shape[0], KINDS);
    long gradient = call.outOrNull("dBoundary", dBoundary, shape);
    call.require(weights.length == KINDS, weights.length + " weights for three losses");
    Sizes s = Sizes.of(call, shape, paths, classes);
    call.run(
        () -> {
          Index index = Index.of(call, paths);
          sum(
              call,
              s,
              to,
              KINDS,
              sums -> index.set(affinity.pointer(map).pointer(labels)).pointer(sums));
          if (dBoundary != null) {
            index.set(affinityBackward.pointer(map).pointer(labels));
            s.set(affinityBackward.pointer(gradient));
            gather(affinityBackward.f32(weights[0]).f32(weights[1]).f32(weights[2]), s);
          }
        });
  }

  /** {@link IrnOps#displacementLoss}. */
  void displacementLoss(
      Tensor displacements,
      Tensor label,
      PathIndex paths,
      int classes,
      float[] weights,
      Tensor losses,
      @Nullable Tensor dDisplacement) {
    CudaCall call = context.call("displacementLoss");
    long labels = call.inInts("label", label, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = label.shape().toArray();
    long map = call.in("displacement", displacements, shape[0], shape[1], shape[2], 2);
    long to = call.out("losses", losses, shape[0], 2);
    long gradient = call.outOrNull("dDisplacement", dDisplacement, shape[0], shape[1], shape[2], 2);
    call.require(weights.length == 2, weights.length + " weights for two losses");
    Sizes s = Sizes.of(call, shape, paths, classes);
    call.run(
        () -> {
          Index index = Index.of(call, paths);
          sum(
              call,
              s,
              to,
              2,
              sums -> index.set(displacement.pointer(map).pointer(labels)).pointer(sums));
          if (dDisplacement != null) {
            index.set(displacementBackward.pointer(map).pointer(labels));
            s.set(displacementBackward.pointer(gradient));
            gather(displacementBackward.f32(weights[0]).f32(weights[1]), s);
          }
        });
  }
}
