package dev.wisp.backend.cuda;

import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.plan.Work;
import dev.wisp.tensor.Tensor;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The dense CRF of an image of 64 x 64 pixels with four labels, and its filter alone; and the least
 * work by the formulas in the kernels' headers.
 */
final class CountedCrfCalls {
  private static final long SIDE = 64;
  private static final long PIXELS = SIDE * SIDE;
  private static final long LABELS = 4;
  private static final int STEPS = 10;
  private static final CrfOptions OPTIONS = new CrfOptions(STEPS, 3, 3, 8, 0.5f, 10);

  /** Of positions 3 pixels apart. */
  private static final Lattice NEAR = new Lattice(3, 587);

  /** Of positions and colours. */
  private static final Lattice ALIKE = new Lattice(6, 2511);

  private static final String CRF_SIZE = "64x64, 4 labels, 10 steps";
  private static final String FILTER_SIZE = "64x64x3, 4 channels";

  private static final String HASHED =
      "the table's slots lie where the hash says, a sector for four bytes, and the simplices of the"
          + " corners in them are read to compare; neighbouring pixels share them, from the L2"
          + " cache";

  private static final String GATHERED =
      "each corner, or entry of a list, reads the values of its row or pixel, which neighbours read"
          + " too, from the L2 cache";

  private static final String SIDE_BY_SIDE =
      "a pixel's corners lie side by side, so that an access to one of each pixel touches six times"
          + " the sectors, which the L1 cache keeps";

  private static final String SCATTERED =
      "what is sorted goes, or comes from, where its row says: a sector for four bytes unless"
          + " neighbours share it";

  private CountedCrfCalls() {}

  static List<CountedCall> all() {
    return List.of(crf(), filter());
  }

  /**
   * A lattice of the image.
   *
   * @param rows as the device counted them, with the one that stands for no vertex
   */
  private record Lattice(long corners, long rows) {
    long all() {
      return PIXELS * corners;
    }

    /** Passes of the sort by row. */
    int passes() {
      return Math.ceilDiv(Long.SIZE - Long.numberOfLeadingZeros(rows - 1), 8);
    }

    Work locate() {
      long bytes = (corners == 6 ? 12 : 0) + 4 * (corners - 1) + 4 + 12 * corners;
      return Work.of(bytes * PIXELS, 40.0 * all());
    }

    Work enter() {
      return Work.of(4 * corners * PIXELS + 4 * all(), 0);
    }

    Work leaders() {
      return Work.of(8 * all() + 4 * rows, 0);
    }

    Work number() {
      return Work.of(8 * all() + 12 * rows, 0);
    }

    Work beside() {
      return Work.of(4 * corners * PIXELS + 4 * rows + 8 * corners * rows, 0);
    }

    Work lists() {
      return Work.of(20 * all() + 4 * rows, 0);
    }

    /** Corners' numbers, and digits of each pass of the sort. */
    private long scanned() {
      return all() + passes() * digits();
    }

    private long pieces() {
      return all() / 1024 + passes() * Math.ceilDiv(digits(), 1024);
    }

    private long digits() {
      return 256 * Math.ceilDiv(all(), 2048);
    }

    Work scanParts() {
      return Work.of(4 * scanned() + 4 * pieces(), scanned());
    }

    Work scanOffsets() {
      return Work.of(8 * pieces() + 4 * (1 + passes()), pieces());
    }

    Work scan() {
      return Work.of(8 * scanned() + 4 * pieces(), scanned());
    }

    Work sortCount() {
      return Work.of(passes() * 4 * (all() + digits()), 0);
    }

    Work sortPlace() {
      return Work.of(passes() * (16 * all() + 4 * digits()) - 4 * all(), 0);
    }

    Work splat(int times) {
      return Work.of(4 * rows + 8 * all() + 16 * PIXELS + 16 * rows, 2.0 * LABELS * all())
          .times(times);
    }

    Work splatOfOnes() {
      return Work.of(4 * rows + 4 * all() + 16 * rows, 8.0 * all());
    }

    Work blur(int times) {
      return Work.of(40 * rows, 12.0 * rows).times((int) corners * times);
    }

    Work slice() {
      return Work.of(8 * all() + 16 * rows + 16 * PIXELS, 8.0 * all());
    }

    Work norms() {
      return Work.of(8 * all() + 4 * rows + 4 * PIXELS, 2.0 * all());
    }

    Work shares() {
      return Work.of(12 * all() + 4 * PIXELS, all());
    }

    /** Of a step's update. */
    Work message() {
      return Work.of(8 * all() + 16 * rows + 4 * PIXELS, 2.0 * LABELS * all());
    }
  }

  private static Work sum(Work... parts) {
    Work all = Work.of(0, 0);
    for (Work part : parts) {
      all = Work.of(all.bytes() + part.bytes(), all.floats() + part.floats());
    }
    return all;
  }

  private static CountedCall crf() {
    Work softmax = Work.of(8 * LABELS * PIXELS, 4.0 * LABELS * PIXELS);
    CountedCall call =
        new CountedCall(
            CRF_SIZE,
            (b, t) -> {
              Tensor unary = t.positive(LABELS, SIDE, SIDE);
              Tensor image = t.positive(SIDE, SIDE, 3);
              Tensor q = t.out(LABELS, SIDE, SIDE);
              return () -> b.denseCrf(unary, image, OPTIONS, q);
            });
    return built(call, NEAR, ALIKE)
        .launches(
            "wisp_lattice_splat",
            sum(NEAR.splat(STEPS), NEAR.splatOfOnes(), ALIKE.splat(STEPS), ALIKE.splatOfOnes()),
            GATHERED)
        .launches("wisp_lattice_blur", sum(NEAR.blur(STEPS + 1), ALIKE.blur(STEPS + 1)), GATHERED)
        .launches("wisp_crf_norms", sum(NEAR.norms(), ALIKE.norms()), SIDE_BY_SIDE)
        .launches("wisp_crf_shares", sum(NEAR.shares(), ALIKE.shares()), GATHERED)
        .launches(
            "wisp_crf_update",
            sum(
                softmax.times(STEPS + 1),
                NEAR.message().times(STEPS),
                ALIKE.message().times(STEPS)),
            GATHERED);
  }

  private static CountedCall filter() {
    CountedCall call =
        new CountedCall(
            FILTER_SIZE,
            (b, t) -> {
              Tensor values = t.positive(LABELS, SIDE, SIDE);
              Tensor image = t.positive(SIDE, SIDE, 3);
              Tensor out = t.out(LABELS, SIDE, SIDE);
              return () ->
                  b.latticeFilter(
                      image, OPTIONS.bilateralSpatial(), OPTIONS.bilateralColour(), values, out);
            });
    return built(call, ALIKE)
        .launches("wisp_lattice_interleave", Work.of(8 * LABELS * PIXELS, 0))
        .launches("wisp_lattice_splat", ALIKE.splat(1), GATHERED)
        .launches("wisp_lattice_blur", ALIKE.blur(1), GATHERED)
        .launches("wisp_lattice_slice", ALIKE.slice(), GATHERED);
  }

  /** What builds the lattices. */
  private static CountedCall built(CountedCall call, Lattice... lattices) {
    return call.launches("wisp_lattice_locate", of(lattices, Lattice::locate), SIDE_BY_SIDE)
        .launches("wisp_lattice_enter", of(lattices, Lattice::enter), HASHED)
        .launches("wisp_lattice_leaders", of(lattices, Lattice::leaders), HASHED)
        .launches("wisp_lattice_number", of(lattices, Lattice::number), HASHED)
        .launches("wisp_lattice_beside", of(lattices, Lattice::beside), HASHED)
        .launches("wisp_lattice_lists", of(lattices, Lattice::lists), SCATTERED)
        .launches("wisp_sort_count", of(lattices, Lattice::sortCount))
        .launches("wisp_sort_place", of(lattices, Lattice::sortPlace), SCATTERED)
        .launches("wisp_scan_parts", of(lattices, Lattice::scanParts))
        .launches("wisp_scan_offsets", of(lattices, Lattice::scanOffsets))
        .launches("wisp_scan", of(lattices, Lattice::scan));
  }

  private static Work of(Lattice[] lattices, Function<Lattice, Work> part) {
    return sum(Stream.of(lattices).map(part).toArray(Work[]::new));
  }
}
