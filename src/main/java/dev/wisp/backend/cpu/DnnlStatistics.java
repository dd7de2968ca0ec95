package dev.wisp.backend.cpu;

/**
 * What the convolutions have cost beside computing.
 *
 * @param primitives compiled and at hand
 * @param created compiled so far
 * @param evicted dropped because the cache was full
 * @param creationSeconds spent compiling
 * @param weightCopies rearrangements of weights and of their gradients
 * @param tiledCopies those of them that our own kernels did
 * @param weightBytes bytes these wrote
 * @param packedBytes held by packed weights now
 */
record DnnlStatistics(
    int primitives,
    long created,
    long evicted,
    double creationSeconds,
    long weightCopies,
    long tiledCopies,
    long weightBytes,
    long packedBytes) {}
