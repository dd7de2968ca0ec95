package dev.wisp.backend.cuda;

/**
 * A card, as the driver describes it.
 *
 * @param index by which it is chosen
 * @param capability compute capability times ten: 52, 61, 70, 75
 * @param memoryBytes of the whole card
 * @param sharedBytes most dynamic shared memory a block may ask for
 * @param memoryPools whether the driver has a stream-ordered allocator for it
 * @param driver CUDA version the driver implements, 12060 for 12.6
 * @param referee whether it is the software CUDA device
 */
record CudaDevice(
    int index,
    String name,
    int capability,
    long memoryBytes,
    int multiprocessors,
    int sharedBytes,
    boolean memoryPools,
    int driver,
    boolean referee) {

  @Override
  public String toString() {
    return "%s, compute capability %d.%d, %d MB, driver for CUDA %s"
        .formatted(
            referee ? "software CUDA device (" + name + ")" : name,
            capability / 10,
            capability % 10,
            memoryBytes >> 20,
            version(driver));
  }

  /** {@code 12.6} for 12060. */
  static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }
}
