package dev.wisp.backend;

/**
 * Memory of a backend's pool in bytes.
 *
 * @param used held by living tensors
 * @param cached held by the pool for reuse
 * @param peak the highest {@code used} so far
 */
public record MemoryStatistics(long used, long cached, long peak) {}
