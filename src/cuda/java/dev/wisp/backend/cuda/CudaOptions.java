package dev.wisp.backend.cuda;

import dev.wisp.common.WispException;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link CudaBackend} is opened.
 *
 * @param device index of the card
 * @param cacheBytes most device memory kept for reuse after tensors return it. With 0 every tensor
 *     has an allocation of exactly its size
 * @param limitBytes most memory tensors may hold together; {@link Long#MAX_VALUE} for no limit
 * @param poison whether fresh memory is filled with NaN, which makes a read of undefined contents
 *     visible in results
 * @param code what kernels are compiled to, {@code ptx:NN} or {@code cubin:NN}; null for what suits
 *     the device
 * @param naive whether the naive kernels, the judges of the others, are launched in their place
 * @param synchronous whether the host waits for each kernel, so that an error names the kernel
 * @param graphs whether work that repeats is launched as graphs
 * @param cudnn how convolutions run
 */
record CudaOptions(
    int device,
    long cacheBytes,
    long limitBytes,
    boolean poison,
    @Nullable String code,
    boolean naive,
    boolean synchronous,
    Graphs graphs,
    CudnnOptions cudnn) {
  /** Whether work that repeats is launched as graphs. */
  enum Graphs {
    /** Where the driver can. */
    AUTO,
    /** A refused capture is an error. */
    ON,
    /** Every launch on its own, at once. */
    OFF
  }

  /** System property for {@code code}. */
  static final String CODE = "wisp.cuda.code";

  /** System property for {@code naive}. */
  static final String NAIVE = "wisp.cuda.naive";

  /** System property for {@code synchronous}. */
  static final String SYNCHRONOUS = "wisp.cuda.synchronous";

  /** System property for {@code graphs}. */
  static final String GRAPHS = "wisp.cuda.graphs";

  /** System property for {@code cacheBytes}, in megabytes. */
  static final String CACHE_MB = "wisp.cuda.cacheMb";

  /** More than any card has: the pool's own bound holds, by the highest use so far. */
  private static final int DEFAULT_CACHE_MB = 1 << 20;

  CudaOptions {
    if (device < 0 || cacheBytes < 0 || limitBytes < 1) {
      throw new IllegalArgumentException(
          "cuda backend on device %d, cache of %d bytes, limit of %d bytes"
              .formatted(device, cacheBytes, limitBytes));
    }
  }

  /** Device 0, a cache as large as the highest use, no limit, or what the system properties say. */
  static CudaOptions standard() {
    return new CudaOptions(
        0,
        (long) megabytes(CACHE_MB, DEFAULT_CACHE_MB) << 20,
        Long.MAX_VALUE,
        Boolean.getBoolean("wisp.poison"),
        System.getProperty(CODE),
        Boolean.getBoolean(NAIVE),
        Boolean.getBoolean(SYNCHRONOUS),
        CudnnOptions.property(GRAPHS, Graphs.AUTO),
        CudnnOptions.standard());
  }

  /** A system property in megabytes, 0 or more. */
  static int megabytes(String property, int standard) {
    String text = System.getProperty(property, Integer.toString(standard));
    try {
      int megabytes = Integer.parseInt(text);
      if (megabytes >= 0) {
        return megabytes;
      }
    } catch (NumberFormatException fallThrough) {
      // Refused below.
    }
    throw new WispException("-D%s is '%s'; give megabytes, 0 or more".formatted(property, text));
  }

  CudaOptions withDevice(int index) {
    return new CudaOptions(
        index, cacheBytes, limitBytes, poison, code, naive, synchronous, graphs, cudnn);
  }

  CudaOptions withCacheBytes(long bytes) {
    return new CudaOptions(
        device, bytes, limitBytes, poison, code, naive, synchronous, graphs, cudnn);
  }

  CudaOptions withLimitBytes(long bytes) {
    return new CudaOptions(
        device, cacheBytes, bytes, poison, code, naive, synchronous, graphs, cudnn);
  }

  CudaOptions withPoison(boolean on) {
    return new CudaOptions(
        device, cacheBytes, limitBytes, on, code, naive, synchronous, graphs, cudnn);
  }

  CudaOptions withCode(@Nullable String text) {
    return new CudaOptions(
        device, cacheBytes, limitBytes, poison, text, naive, synchronous, graphs, cudnn);
  }

  CudaOptions withNaive(boolean on) {
    return new CudaOptions(
        device, cacheBytes, limitBytes, poison, code, on, synchronous, graphs, cudnn);
  }

  CudaOptions withCudnn(CudnnOptions options) {
    return new CudaOptions(
        device, cacheBytes, limitBytes, poison, code, naive, synchronous, graphs, options);
  }

  CudaOptions withGraphs(Graphs choice) {
    return new CudaOptions(
        device, cacheBytes, limitBytes, poison, code, naive, synchronous, choice, cudnn);
  }
}
