/**
 * Speed and memory of the engine beside libtorch on the same machine: the same seeded inputs, the
 * same outputs (compared before anything is timed), each engine in processes of its own.
 */
@NullMarked
package dev.wisp.benchmarks;

import org.jspecify.annotations.NullMarked;
