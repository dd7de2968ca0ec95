package dev.wisp.backend.cuda;

/**
 * Grid of the kernels that give each image row to warps, 128 elements to one or as many as a kernel
 * says, and number the rows of all images through.
 */
final class CudaRows {
  private static final int LANES = 32;
  private static final int ROWS = 8;

  /** Elements of a warp. */
  static final int SPAN = 128;

  /** The kernels go on in steps of the grid. */
  private static final long MOST = 65535;

  private CudaRows() {}

  /**
   * Launches a kernel whose arguments are set.
   *
   * @param rows of all images
   * @param length elements of a row, columns times channels
   */
  static void launch(CudaKernel kernel, long rows, long length) {
    launch(kernel, rows, length, SPAN);
  }

  /**
   * Like {@link #launch(CudaKernel, long, long)}.
   *
   * @param span elements of a warp
   */
  static void launch(CudaKernel kernel, long rows, long length, int span) {
    long groups = Math.min(Math.ceilDiv(rows, ROWS), MOST);
    kernel.launch(Math.ceilDiv(length, span), groups, 1, LANES, ROWS, 0);
  }
}
