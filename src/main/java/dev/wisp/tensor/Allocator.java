package dev.wisp.tensor;

/** Where a {@link Scope} gets its memory: one per backend. */
public interface Allocator {
  /**
   * Memory of at least {@code bytes}, aligned to 64 bytes, contents undefined.
   *
   * @throws WispOutOfMemory if the device has no such piece left
   */
  Storage allocate(long bytes);
}
