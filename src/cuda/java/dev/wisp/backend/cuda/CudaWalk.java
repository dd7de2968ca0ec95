package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f64;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.IrnOps;
import dev.wisp.backend.PathIndex;
import dev.wisp.tensor.Tensor;

/** {@link IrnOps#randomWalk} on the device, {@code cuda/random_walk.cu}. */
final class CudaWalk {
  private static final String FILE = "random_walk";
  private static final int THREADS = 256;

  /** Maps that a thread of a step walks together. */
  private static final int TOGETHER = 4;

  private static final long MOST_MAPS = 65535L * TOGETHER;

  private final CudaContext context;
  private final CudaKernel affinities;
  private final CudaKernel inverse;
  private final CudaKernel start;
  private final CudaKernel step;
  private final CudaKernel finish;

  CudaWalk(CudaContext context) {
    this.context = context;
    affinities =
        context.kernel(
            FILE,
            "wisp_walk_affinities",
            pointer("boundary"),
            pointer("offsets"),
            pointer("coordinates"),
            pointer("affinity"),
            i32("h"),
            i32("w"),
            i32("paths"),
            f64("beta"));
    inverse =
        context.kernel(
            FILE,
            "wisp_walk_inverse",
            pointer("affinity"),
            pointer("offsets"),
            pointer("coordinates"),
            pointer("inverse"),
            i32("h"),
            i32("w"),
            i32("paths"));
    start =
        context.kernel(
            FILE,
            "wisp_walk_start",
            pointer("boundary"),
            pointer("maps"),
            pointer("now"),
            i64("c"),
            i64("positions"));
    step =
        context.kernel(
            FILE,
            "wisp_walk_step",
            pointer("from"),
            pointer("affinity"),
            pointer("inverse"),
            pointer("offsets"),
            pointer("coordinates"),
            pointer("to"),
            i32("c"),
            i32("h"),
            i32("w"),
            i32("paths"));
    finish = context.kernel(FILE, "wisp_walk_finish", pointer("now"), pointer("out"), i64("n"));
  }

  /** Sizes of a walk, and the paths on the device. */
  private record Walk(long c, long h, long w, long paths, CudaPaths.Index index) {
    long positions() {
      return h * w;
    }

    long blocks() {
      return Math.ceilDiv(positions(), THREADS);
    }

    CudaKernel sizes(CudaKernel kernel) {
      return kernel.i32(h).i32(w).i32(paths);
    }
  }

  private void affinities(long boundary, long affinity, double beta, Walk walk) {
    walk.index.set(affinities.pointer(boundary)).pointer(affinity);
    walk.sizes(affinities).f64(beta).launch(walk.blocks(), walk.paths, 1, THREADS, 1, 0);
  }

  private void inverse(long affinity, long sums, Walk walk) {
    walk.index.set(inverse.pointer(affinity)).pointer(sums);
    walk.sizes(inverse).launch(walk.blocks(), THREADS, 0);
  }

  private void step(long from, long affinity, long inverses, long to, Walk walk) {
    walk.index.set(step.pointer(from).pointer(affinity).pointer(inverses)).pointer(to);
    walk.sizes(step.i32(walk.c))
        .launch(walk.blocks(), Math.ceilDiv(walk.c, TOGETHER), 1, THREADS, 1, 0);
  }

  /** {@link IrnOps#randomWalk}. */
  void randomWalk(
      Tensor boundary, Tensor maps, PathIndex paths, float beta, int steps, Tensor out) {
    CudaCall call = context.call("randomWalk");
    long seeds = call.in("maps", maps, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long[] shape = maps.shape().toArray();
    long edges = call.in("boundary", boundary, shape[1], shape[2]);
    long result = call.out("out", out, shape);
    call.require(beta >= 0 && steps >= 0, "power " + beta + ", " + steps + " steps");
    call.require(
        shape[0] <= MOST_MAPS && CudaPaths.fits(shape[1], shape[2]),
        "takes at most %d maps of %d positions".formatted(MOST_MAPS, CudaPaths.MOST_POSITIONS));
    call.run(
        () -> {
          Walk walk =
              new Walk(
                  shape[0], shape[1], shape[2], paths.count(), CudaPaths.Index.of(call, paths));
          long elements = walk.c * walk.positions();
          long affinity = call.workspace(walk.paths * walk.positions() * Double.BYTES);
          long inverses = call.workspace(walk.positions() * Double.BYTES);
          long now = call.workspace(elements * Double.BYTES);
          long next = call.workspace(elements * Double.BYTES);
          affinities(edges, affinity, beta, walk);
          inverse(affinity, inverses, walk);
          start
              .pointer(edges)
              .pointer(seeds)
              .pointer(now)
              .i64(walk.c)
              .i64(walk.positions())
              .launchOver(elements, THREADS);
          for (int i = 0; i < steps; i++) {
            step(now, affinity, inverses, next, walk);
            long swap = now;
            now = next;
            next = swap;
          }
          finish.pointer(now).pointer(result).i64(elements).launchOver(elements, THREADS);
        });
  }
}
