package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.f32;
import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

import dev.wisp.backend.CrfOps;
import dev.wisp.backend.CrfOptions;
import dev.wisp.backend.cuda.CudaLatticeFilter.Channels;
import dev.wisp.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** {@link CrfOps} by {@link CudaLattice}, {@link CudaLatticeFilter} and cuda/crf_update.cu. */
final class CudaCrf implements CrfOps {
  private static final int THREADS = 256;

  /** Labels whose logits the fast kernel can hold; more take the naive one. */
  private static final int FAST_LABELS = 128;

  private final CudaContext context;
  private final CudaLattice lattice;
  private final CudaLatticeFilter filter;
  private final CudaKernel update;
  private final CudaKernel updateOfAny;

  CudaCrf(CudaContext context) {
    this.context = context;
    lattice = new CudaLattice(context);
    filter = new CudaLatticeFilter(context);
    updateOfAny = updateKernel("wisp_crf_update_naive");
    update = context.naive() ? updateOfAny : updateKernel("wisp_crf_update");
  }

  private CudaKernel updateKernel(String name) {
    return context.kernel(
        "crf_update",
        name,
        pointer("unary"),
        pointer("near_work"),
        pointer("near_vertex"),
        pointer("near_weight"),
        pointer("near_norms"),
        pointer("alike_work"),
        pointer("alike_vertex"),
        pointer("alike_weight"),
        pointer("alike_norms"),
        pointer("q"),
        pointer("planes"),
        i64("labels"),
        i64("pixels"),
        i32("width"),
        i32("shift"),
        f32("near_compat"),
        f32("alike_compat"));
  }

  @Override
  public void latticeFilter(
      @Nullable Tensor image, float spatial, float colour, Tensor values, Tensor out) {
    CudaCall call = context.call("latticeFilter");
    long source = call.in("values", values, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long h = values.shape().size(1);
    long w = values.shape().size(2);
    long colours = call.inOrNull("image", image, h, w, 3);
    long target = call.out("out", out, values.shape().toArray());
    call.require(spatial > 0 && (image == null || colour > 0), "a deviation is not positive");
    CudaLattice.requireFits(call, values.shape().size(0), h, w);
    if (values.shape().elements() == 0) {
      return;
    }
    Channels channels = new Channels(values.shape().size(0));
    call.run(
        () -> {
          CudaLattice.Tables tables =
              lattice.build(call, new CudaLattice.Features(colours, h, w, spatial, colour));
          long rows = filter.interleaved(call, source, channels, h * w);
          long work = call.workspace(channels.bytes(tables.rows()));
          long spare = call.workspace(channels.bytes(tables.rows()));
          filter.blurred(tables, rows, channels, work, spare);
          filter.sliced(tables, work, channels, target);
        });
  }

  @Override
  public void denseCrf(Tensor unary, Tensor image, CrfOptions options, Tensor q) {
    CudaCall call = context.call("denseCrf");
    long energies = call.in("unary", unary, CudaCall.ANY, CudaCall.ANY, CudaCall.ANY);
    long h = unary.shape().size(1);
    long w = unary.shape().size(2);
    long colours = call.in("image", image, h, w, 3);
    long target = call.out("q", q, unary.shape().toArray());
    CudaLattice.requireFits(call, unary.shape().size(0), h, w);
    if (unary.shape().elements() == 0) {
      return;
    }
    Channels labels = new Channels(unary.shape().size(0));
    call.run(
        () -> {
          if (options.steps() == 0) {
            update(energies, null, null, options, labels, h * w, 0, target);
          } else {
            steps(call, energies, colours, h, w, options, labels, target);
          }
        });
  }

  /**
   * A kernel of the model.
   *
   * @param work its lattice's values, {@code [rows, width]}
   */
  private record Pairwise(CudaLattice.Tables tables, long norms, long work) {}

  private Pairwise pairwise(CudaCall call, CudaLattice.Features features, Channels labels) {
    CudaLattice.Tables tables = lattice.build(call, features);
    long norms = filter.normalized(call, tables);
    return new Pairwise(tables, norms, call.workspace(labels.bytes(tables.rows())));
  }

  private void steps(
      CudaCall call,
      long unary,
      long image,
      long h,
      long w,
      CrfOptions options,
      Channels labels,
      long target) {
    Pairwise near =
        pairwise(call, new CudaLattice.Features(0, h, w, options.gaussianSpatial(), 1), labels);
    Pairwise alike =
        pairwise(
            call,
            new CudaLattice.Features(
                image, h, w, options.bilateralSpatial(), options.bilateralColour()),
            labels);
    long spare = call.workspace(labels.bytes(Math.max(near.tables.rows(), alike.tables.rows())));
    long now = call.workspace(labels.bytes(h * w));
    update(unary, null, null, options, labels, h * w, now, 0);
    for (int left = options.steps() - 1; left >= 0; left--) {
      filter.blurred(near.tables, now, labels, near.work, spare);
      filter.blurred(alike.tables, now, labels, alike.work, spare);
      boolean last = left == 0;
      update(unary, near, alike, options, labels, h * w, last ? 0 : now, last ? target : 0);
    }
  }

  /**
   * Takes the softmax with the messages of both kernels, or with neither's.
   *
   * @param rows {@code [pixels, width]}, output; 0 for none
   * @param planes {@code [labels, pixels]}, output; 0 for none
   */
  private void update(
      long unary,
      @Nullable Pairwise near,
      @Nullable Pairwise alike,
      CrfOptions options,
      Channels labels,
      long pixels,
      long rows,
      long planes) {
    boolean fast = !context.naive() && labels.channels() <= FAST_LABELS;
    CudaKernel kernel = fast ? update : updateOfAny;
    kernel.pointer(unary);
    message(kernel, near);
    message(kernel, alike);
    kernel
        .pointer(rows)
        .pointer(planes)
        .i64(labels.channels())
        .i64(pixels)
        .i32(labels.width())
        .i32(labels.shift())
        .f32(options.gaussianCompat())
        .f32(options.bilateralCompat())
        .launch(
            fast ? CudaLatticeFilter.blocks(pixels, labels.shift()) : Math.ceilDiv(pixels, THREADS),
            THREADS,
            0);
  }

  private static void message(CudaKernel kernel, @Nullable Pairwise pairwise) {
    if (pairwise == null) {
      kernel.pointer(0).pointer(0).pointer(0).pointer(0);
      return;
    }
    kernel
        .pointer(pairwise.work)
        .pointer(pairwise.tables.vertex())
        .pointer(pairwise.tables.weight())
        .pointer(pairwise.norms);
  }
}
