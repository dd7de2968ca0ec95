package dev.wisp.backend.cuda;

/**
 * Grid of the kernels that give each image row to warps, 128 elements to one, and number the rows
 * of all images through.
 */
final class CudaRows {
  private static final int LANES = 32;
  private static final int ROWS = 8;
  private static final int SPAN = 128;

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
    long groups = Math.min(Math.ceilDiv(rows, ROWS), MOST);
    kernel.launch(Math.ceilDiv(length, SPAN), groups, 1, LANES, ROWS, 0);
  }
}
