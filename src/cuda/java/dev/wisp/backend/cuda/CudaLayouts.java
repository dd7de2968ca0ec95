package dev.wisp.backend.cuda;

import static dev.wisp.backend.cuda.CudaParameter.i32;
import static dev.wisp.backend.cuda.CudaParameter.i64;
import static dev.wisp.backend.cuda.CudaParameter.pointer;

/** What surrounds a library's convolution, {@code cuda/convolution_layout.cu}. */
final class CudaLayouts {
  private static final String FILE = "convolution_layout";
  private static final int THREADS = 256;

  /** Side of a tile that one block turns. */
  private static final int TILE = 32;

  /** Elements a block of {@code wisp_conv_finish} covers. */
  private static final int SPAN = 4 * THREADS;

  private final CudaContext context;
  private final CudaKernel transpose;
  private final CudaKernel convFinish;
  private final CudaKernel convFinishPlanar;

  CudaLayouts(CudaContext context) {
    this.context = context;
    transpose =
        context.judged(
            FILE,
            "wisp_transpose",
            pointer("source"),
            pointer("target"),
            i64("batch"),
            i64("rows"),
            i64("columns"));
    convFinish =
        context.judged(
            FILE,
            "wisp_conv_finish",
            pointer("product"),
            pointer("bias"),
            pointer("residual"),
            pointer("y"),
            i64("positions"),
            i32("channels"),
            i32("relu"));
    convFinishPlanar =
        context.judged(
            FILE,
            "wisp_conv_finish_planar",
            pointer("product"),
            pointer("bias"),
            pointer("residual"),
            pointer("y"),
            i64("n"),
            i64("positions"),
            i32("channels"),
            i32("relu"));
  }

  /** {@code target[b, c, r] = source[b, r, c]}; the two do not overlap. */
  void transpose(long source, long target, long batch, long rows, long columns) {
    transpose.pointer(source).pointer(target).i64(batch).i64(rows).i64(columns);
    launchTiles(transpose, batch, rows, columns);
  }

  /**
   * {@code y = act(product + bias + residual)}.
   *
   * @param product {@code [n, h', w', O]}, may be y
   * @param bias {@code [O]}, or 0
   * @param residual shape of y, or 0; may be y
   */
  void finish(long product, long bias, long residual, long y, ConvolutionSizes s, boolean relu) {
    long elements = s.outputElements();
    convFinish
        .pointer(product)
        .pointer(bias)
        .pointer(residual)
        .pointer(y)
        .i64(s.outputs())
        .i32(s.spec().outChannels())
        .i32(relu ? 1 : 0)
        .launch(Math.ceilDiv(elements, context.naive() ? THREADS : SPAN), THREADS, 0);
  }

  /** {@link #finish} of a product {@code [n, O, h', w']}, which is not y. */
  void finishPlanar(
      long product, long bias, long residual, long y, ConvolutionSizes s, boolean relu) {
    long positions = s.outputs() / s.n();
    int channels = s.spec().outChannels();
    convFinishPlanar
        .pointer(product)
        .pointer(bias)
        .pointer(residual)
        .pointer(y)
        .i64(s.n())
        .i64(positions)
        .i32(channels)
        .i32(relu ? 1 : 0);
    launchTiles(convFinishPlanar, s.n(), channels, positions);
  }

  private void launchTiles(CudaKernel kernel, long batch, long rows, long columns) {
    if (context.naive()) {
      kernel.launchOver(batch * rows * columns, THREADS);
    } else {
      long tiles = Math.ceilDiv(rows, TILE) * Math.ceilDiv(columns, TILE);
      kernel.launch(batch * tiles, THREADS, 0);
    }
  }
}
