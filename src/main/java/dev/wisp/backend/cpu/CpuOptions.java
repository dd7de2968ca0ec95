package dev.wisp.backend.cpu;

/**
 * How a {@link CpuBackend} is opened.
 *
 * @param threads compute threads, 1..4096; 0 for one per available processor. Results of the
 *     project's own kernels do not depend on it
 * @param cacheBytes most memory kept for reuse after tensors return it
 * @param limitBytes most memory tensors may hold together; {@link Long#MAX_VALUE} for no limit
 * @param poison whether fresh memory is filled with NaN, which makes a read of undefined contents
 *     visible in results
 */
public record CpuOptions(int threads, long cacheBytes, long limitBytes, boolean poison) {
  private static final long DEFAULT_CACHE = 512L << 20;
  private static final int MOST_THREADS = 4096;

  public CpuOptions {
    if (threads < 0 || threads > MOST_THREADS || cacheBytes < 0 || limitBytes < 1) {
      throw new IllegalArgumentException(
          "cpu backend with %d threads (0..%d), cache of %d bytes, limit of %d bytes"
              .formatted(threads, MOST_THREADS, cacheBytes, limitBytes));
    }
  }

  /** All cores, 512 MB of cache, no limit; poison as the system property {@code wisp.poison}. */
  public static CpuOptions standard() {
    return new CpuOptions(0, DEFAULT_CACHE, Long.MAX_VALUE, Boolean.getBoolean("wisp.poison"));
  }

  public CpuOptions withThreads(int count) {
    return new CpuOptions(count, cacheBytes, limitBytes, poison);
  }

  public CpuOptions withCacheBytes(long bytes) {
    return new CpuOptions(threads, bytes, limitBytes, poison);
  }

  public CpuOptions withLimitBytes(long bytes) {
    return new CpuOptions(threads, cacheBytes, bytes, poison);
  }

  public CpuOptions withPoison(boolean on) {
    return new CpuOptions(threads, cacheBytes, limitBytes, on);
  }
}
