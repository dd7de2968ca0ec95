package dev.wisp.tensor;

/**
 * A piece of a backend's memory. Only the backend that made it knows what is behind it; everybody
 * else holds it through a {@link Tensor}.
 */
public interface Storage {
  /** Usable bytes. */
  long bytes();

  /** Returns the memory to its pool. Called exactly once, by the owning {@link Scope}. */
  void free();
}
